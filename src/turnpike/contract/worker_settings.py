"""What the worker is told at its start, as JSON on its standard input."""

import msgspec


class WorkerSettings(msgspec.Struct, frozen=True):
    names_fd: int
    """An inherited, listening unix socket, for questions about names."""
    names_models: dict[str, str]
    """Installed spaCy model, or folder of one, by language."""
    log_level: str = "info"
    log_format: str = "json"


def read_models(text: str) -> dict[str, str]:
    """`en=en_core_web_lg,de=/models/de`, by language. Raises ValueError."""
    pairs = [each.strip().partition("=") for each in text.split(",") if each.strip()]
    if not all(language.strip() and model.strip() for language, _, model in pairs):
        raise ValueError(f"names_models: {text!r} is not `language=model`, as `en=en_core_web_lg`")
    return {language.strip(): model.strip() for language, _, model in pairs}
