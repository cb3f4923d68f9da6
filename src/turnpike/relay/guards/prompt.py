"""A request's body under a ruleset: bytes in, bytes out."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

import msgspec

from turnpike.errors import InvalidJson
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.telling import refused
from turnpike.wire.guards import injection
from turnpike.wire.guards.bounds import Excess, check_form
from turnpike.wire.guards.bounds import check as check_bounds
from turnpike.wire.guards.engine import TooHard
from turnpike.wire.guards.filter import Blocked, Finds, whole
from turnpike.wire.guards.jsontext import JsonFilter
from turnpike.wire.guards.placeholders import Vault
from turnpike.wire.guards.rules import Source
from turnpike.wire.guards.shapes import shape_of
from turnpike.wire.guards.walk import TooDeep, Walk

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_NOBODY = Source("", "gateway", "unchecked", "block")


class Prompt:
    """One request being looked at. `finds` and `vault` are what came of it, also when it is refused."""

    def __init__(self, rules: Ruleset, dialect: str) -> None:
        self._rules = rules
        self._dialect = dialect
        self.finds = Finds()
        self.vault = Vault()
        self.texts: list[str] = []
        """As they go on, for guards that ask others."""

    def check(self, body: bytes) -> bytes:
        """What goes on in its place: written again from what was read, so that nothing hides in a member that stands
        there twice. Raises PolicyRefused, InvalidJson."""
        try:
            read = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidJson(f"The body is not valid JSON: {str(error)[:200]}.") from error
        if isinstance(read, dict):
            self.bounds(cast("dict[str, Any]", read), len(body))
        return _encode(self.value(read))

    def value(self, read: Any) -> Any:
        """A decoded body, changed in place. Raises PolicyRefused."""
        try:
            if self._rules.prompt.changers or self._rules.names:
                Walk(shape_of(self._dialect), self._reserve, self._reserve).through(read)
            walk = Walk(shape_of(self._dialect), self.text, self.json_text)
            read = walk.through(read)
        except TooDeep as error:
            raise self.unchecked("it is nested too deeply to be checked") from error
        if walk.media:
            self.met_media()
        return read

    def text(self, text: str) -> str:
        """One text. Raises PolicyRefused."""
        return self._looked_at(text, lambda: whole(self._rules.prompt, text, self.finds, self.vault))

    def json_text(self, text: str) -> str:
        """The same for a text that is JSON."""
        return self._looked_at(
            text, lambda: JsonFilter(self._rules.prompt, self.finds, self.vault).feed(text, final=True)
        )

    def met_media(self) -> None:
        """Raises PolicyRefused where a policy does not let pass what it cannot read."""
        source = self._rules.media
        if source is not None:
            self.finds[source, "media"] += 1
            raise refused(source, "media", "prompt", "it holds an image, sound or file, which its guards cannot read")

    def unchecked(self, why: str) -> Exception:
        source = self._rules.closed or _NOBODY
        self.finds[source, "unchecked"] += 1
        return refused(source, "unchecked", "prompt", why)

    # ---- inside

    def _reserve(self, text: str) -> str:
        self.vault.reserve(text)
        return text

    def _looked_at(self, text: str, look: Callable[[], str]) -> str:
        self._score(text)
        try:
            changed = look()
        except Blocked as error:
            raise refused(error.source, error.kind, "prompt") from error
        except TooHard as error:
            raise self.unchecked("a text in it cannot be checked with bounded work") from error
        if self._rules.moderations:
            self.texts.append(changed)
        return changed

    def _score(self, text: str) -> None:
        if not self._rules.injections or len(text) < 8:
            return
        found = injection.score(text)
        for source, threshold in self._rules.injections:
            if found >= threshold:
                self.finds[source, "injection"] += 1
                if source.action == "block":
                    raise refused(source, "injection", "prompt")

    def form_bounds(self, fields: Mapping[str, str], size: int) -> None:
        """Raises PolicyRefused."""
        for source, limits in self._rules.bounds:
            excess = check_form(limits, fields, size)
            if excess is not None:
                self._beyond(source, excess)

    def _beyond(self, source: Source, excess: Excess) -> NoReturn:
        self.finds[source, "parameter"] += 1
        raise refused(source, excess.parameter, "prompt", excess.message)

    def bounds(self, read: dict[str, Any], size: int) -> None:
        for source, limits in self._rules.bounds:
            excess, changed = check_bounds(limits, self._dialect, read, size)
            if excess is not None:
                self._beyond(source, excess)
            if changed:
                self.finds[source._replace(action="clamp"), "parameter"] += changed
