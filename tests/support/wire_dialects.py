"""The dialects in kinds, for tests that hold for all of a kind."""

from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.provider_form import ProviderForm
from turnpike.wire.media.dialect import MediaDialect

TRANSLATED: dict[str, Dialect] = {
    name: dialect for name, dialect in DIALECTS.items() if not isinstance(dialect, (MediaDialect, ProviderForm))
}
"""Those in JSON on both sides, which callers speak too. Of the others some take forms or answer with sound, and their
bytes only pass; some only providers speak (`PROVIDERS_ONLY`)."""
PROVIDERS_ONLY = tuple(name for name, dialect in DIALECTS.items() if isinstance(dialect, ProviderForm))
