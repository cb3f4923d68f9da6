"""JSON that is itself a text: the arguments of a tool call, whole or in pieces.

Every string in it is a text of its own, seen without its escapes and written with them again; a number that a rule
changes becomes a string. So what goes on is JSON where what came was.
"""

import json
import re

from turnpike.wire.guards.filter import Filter, Finds
from turnpike.wire.guards.placeholders import Restorer, Vault
from turnpike.wire.guards.rules import Rules

_PLAIN = re.compile(r'[^"\\]+')
_OUTSIDE = re.compile(r'[^"0-9.\-]+')
_NUMBER = re.compile(r"[0-9.\-]+")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class TextFilter:
    """Plain text: rules first, then what was taken out of the prompt comes back."""

    __slots__ = ("_filter", "_restorer")

    def __init__(self, rules: Rules, finds: Finds, vault: Vault) -> None:
        self._filter = Filter(rules, finds, vault)
        self._restorer = Restorer(vault) if vault.values else None

    def feed(self, text: str, *, final: bool = False) -> str:
        out = self._filter.feed(text, final=final)
        return out if self._restorer is None else self._restorer.feed(out, final=final)


class JsonFilter:
    """As TextFilter, for a text of JSON."""

    __slots__ = ("_escape", "_number", "_rules", "_string")

    def __init__(self, rules: Rules, finds: Finds, vault: Vault) -> None:
        self._rules = (rules, finds, vault)
        self._string: TextFilter | None = None
        """Of the string that is under way."""
        self._escape = ""
        """The beginning of an escape that was cut."""
        self._number = ""

    def feed(self, text: str, *, final: bool = False) -> str:
        out: list[str] = []
        text = self._escape + text
        self._escape = ""
        place = 0
        while place < len(text):
            place = self._outside(text, place, out) if self._string is None else self._inside(text, place, out)
        if final:
            out.append(self._flush_number())
            if self._string is not None:
                out.append(_escaped(self._string.feed(self._escape, final=True)))
                self._string = None
        return "".join(out)

    def _outside(self, text: str, place: int, out: list[str]) -> int:
        number = _NUMBER.match(text, place)
        if number is not None:
            self._number += number[0]
            return number.end()
        out.append(self._flush_number())
        if text[place] == '"':
            self._string = TextFilter(*self._rules)
            out.append('"')
            return place + 1
        plain = _OUTSIDE.match(text, place)
        assert plain is not None
        out.append(plain[0])
        return plain.end()

    def _flush_number(self) -> str:
        number, self._number = self._number, ""
        if len(number) < 5:
            return number
        changed = TextFilter(*self._rules).feed(number, final=True)
        return number if changed == number else json.dumps(changed)

    def _inside(self, text: str, place: int, out: list[str]) -> int:
        string = self._string
        assert string is not None
        if text[place] == '"':
            out.append(_escaped(string.feed("", final=True)) + '"')
            self._string = None
            return place + 1
        if text[place] == "\\":
            read = _unescape(text, place)
            if read is None:
                self._escape = text[place:]
                return len(text)
            meant, end = read
        else:
            plain = _PLAIN.match(text, place)
            assert plain is not None
            meant, end = plain[0], plain.end()
        out.append(_escaped(string.feed(meant)))
        return end


def _unescape(text: str, place: int) -> tuple[str, int] | None:
    """What an escape means and where it ends; None: it is not all there."""
    if len(text) < place + 2:
        return None
    letter = text[place + 1]
    if letter != "u":
        return _ESCAPES.get(letter, letter), place + 2
    if len(text) < place + 6:
        return None
    high = _code(text, place)
    if not 0xD800 <= high < 0xDC00:
        return chr(high), place + 6
    rest = text[place + 6 : place + 8]
    if len(text) < place + 12 and "\\u".startswith(rest):
        return None
    low = _code(text, place + 6) if rest == "\\u" and len(text) >= place + 12 else 0
    if not 0xDC00 <= low < 0xE000:
        return "\ufffd", place + 6
    return chr(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00), place + 12


def _code(text: str, place: int) -> int:
    try:
        return int(text[place + 2 : place + 6], 16)
    except ValueError:
        return 0xFFFD


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1] if text else ""
