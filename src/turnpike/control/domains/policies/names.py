"""Whether names and places can be found here: what a guard of the kind `names` needs, looked for without loading it."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from turnpike.contract.names import KINDS
from turnpike.errors import InvalidRequest
from turnpike.wire.guards.spec import GuardSpec

_PACKAGES = {"presidio_analyzer": "presidio-analyzer", "spacy": "spacy"}


def check_names(guards: tuple[GuardSpec, ...], models: Mapping[str, str]) -> None:
    """`models`: spaCy's, by language, as the settings name them. Raises InvalidRequest, saying what is missing."""
    asking = [guard for guard in guards if guard.kind == "names"]
    if not asking:
        return
    for guard in asking:
        unknown = [kind for kind in guard.detect if kind not in KINDS]
        if unknown:
            raise _wrong(guard, f"`detect` has {unknown[0][:40]!r}; it takes {', '.join(KINDS)}")
    first = asking[0]
    absent = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
    if absent:
        raise _wrong(
            first,
            f"names and places are found by Presidio and spaCy, and {' and '.join(absent)} is not installed here: "
            "pip install 'turnpike[names]'",
        )
    if not models:
        raise _wrong(first, "no spaCy model is set: TURNPIKE_NAMES_MODELS=en=en_core_web_lg")
    for language, model in models.items():
        if not _is_there(model):
            raise _wrong(
                first,
                f"the spaCy model {model!r} for {language!r} is not installed here: python -m spacy download {model}, "
                "or name another one in TURNPIKE_NAMES_MODELS",
            )


def _is_there(model: str) -> bool:
    if "/" in model or "\\" in model:
        return (Path(model) / "meta.json").is_file()
    return model.isidentifier() and find_spec(model) is not None


def _wrong(guard: GuardSpec, message: str) -> InvalidRequest:
    return InvalidRequest(f"guard {guard.name!r}: {message}.", details={"param": "guards"})
