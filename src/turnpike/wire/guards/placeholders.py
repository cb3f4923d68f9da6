"""Replace and restore: what a guard takes out of a prompt comes back in the answer in place of its placeholder."""

import re

_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]{1,30}_[0-9]{1,6}\]")
_BEGINNING = re.compile(r"\[(?:[A-Z][A-Z_]{0,30}(?:_[0-9]{0,6})?)?$")


class Vault:
    """The values of one call and their placeholders. The same value has the same one wherever it stands; placeholders
    that the caller wrote itself are not used."""

    __slots__ = ("_by_value", "_counts", "_taken", "values")

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        """By placeholder."""
        self._by_value: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._taken: set[str] = set()

    def reserve(self, text: str) -> None:
        """Everything that looks like a placeholder in what the caller wrote stays what it is."""
        if "[" in text:
            self._taken.update(_PLACEHOLDER.findall(text))

    def keep(self, kind: str, value: str) -> str:
        """The placeholder of a value."""
        known = self._by_value.get((kind, value))
        if known is not None:
            return known
        while True:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            placeholder = f"[{kind.upper()}_{number}]"
            if placeholder not in self._taken:
                break
        self._by_value[kind, value] = placeholder
        self.values[placeholder] = value
        return placeholder

    def restore(self, text: str) -> str:
        """A whole text."""
        if not self.values or "[" not in text:
            return text
        return _PLACEHOLDER.sub(lambda match: self.values.get(match[0], match[0]), text)


class Restorer:
    """A text that comes in pieces: a placeholder that is cut in two is held until it is whole."""

    __slots__ = ("_held", "_vault")

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._held = ""

    def feed(self, text: str, *, final: bool = False) -> str:
        text = self._held + text
        self._held = ""
        if not final:
            cut = _BEGINNING.search(text, max(0, len(text) - 48))
            if cut is not None:
                self._held = text[cut.start() :]
                text = text[: cut.start()]
        return self._vault.restore(text)
