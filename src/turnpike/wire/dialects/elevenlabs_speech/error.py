"""ElevenLabs' errors: `{"detail": {"status", "message"}}`, or a list of what is wrong where.

Source: https://help.elevenlabs.io/hc/en-us/articles/19572237925521-API-Error-Code-400-or-401
"""

from turnpike.errors import UpstreamRefused
from turnpike.wire.dialects.common import errors as _common

_NO_VOICE = frozenset(("voice_not_found", "invalid_uid"))


def read_error(status: int, body: bytes) -> UpstreamRefused:
    """Like every dialect's; a voice that is not there is not a model that is not there."""
    read = _common.read_error(status, body)
    if read.upstream_code in _NO_VOICE:
        read.status, read.kind, read.param = 400, None, "voice"
    return read
