"""What a caller's word for a model means: its name, an alias, `provider/name`, or a name that a wildcard covers.

Made once a snapshot. A meaning is looked up when a plan is made, not with every request.
"""

from collections.abc import Iterable

import msgspec

from turnpike.contract.snapshot import AliasSpec, ModelSpec, Snapshot
from turnpike.errors import ModelNotFound
from turnpike.wire.profiles.retired import RETIRED


class Names:
    """Exact names come first: a name with a slash, or one that a wildcard covers too, may well be a model's own."""

    __slots__ = ("_aliases", "_by_provider", "_rows", "_wildcards")

    def __init__(self, snapshot: Snapshot) -> None:
        self._rows: dict[str, list[ModelSpec]] = {}
        for row in snapshot.models:
            self._rows.setdefault(row.name, []).append(row)
        self._aliases: dict[str, AliasSpec] = {alias.name: alias for alias in snapshot.aliases}
        self._by_provider = {provider.slug: provider.id for provider in snapshot.providers}
        patterns = (name for name in self._rows if "*" in name)
        # The longest says most: `gpt-4*` before `gpt-*` before `*`.
        self._wildcards = sorted(patterns, key=lambda pattern: (-len(pattern), pattern))

    @property
    def rows(self) -> dict[str, list[ModelSpec]]:
        """Of every model, by its own name."""
        return self._rows

    def aliases(self) -> Iterable[AliasSpec]:
        """Those in use."""
        return (alias for alias in self._aliases.values() if not alias.retired and alias.name not in self._rows)

    def alias_target(self, name: str) -> str | None:
        """What an alias in use stands for."""
        alias = self._aliases.get(name)
        return None if alias is None or alias.retired else alias.target

    def meant(self, name: str) -> list[ModelSpec]:
        """The rows that a word means; empty when it means nothing here. Raises ModelNotFound, naming the replacement,
        for a model that was retired."""
        if name in self._rows and "*" not in name:
            return self._rows[name]
        alias = self._aliases.get(name)
        if alias is None:
            found = self._plain(name)
            if not found and name in RETIRED:
                known = RETIRED[name]
                raise _retired(name, known.replaced_by, f" by its vendor on {known.on}")
            return found
        if alias.retired:
            raise _retired(name, alias.target, "", alias.note)
        return self._plain(alias.target)

    def _plain(self, name: str) -> list[ModelSpec]:
        if "*" in name:
            return []
        rows = self._rows.get(name)
        if rows is not None:
            return rows
        slug, slash, rest = name.partition("/")
        provider_id = self._by_provider.get(slug) if slash else None
        if provider_id is not None:
            here = [row for row in self._rows.get(rest, ()) if row.provider_id == provider_id]
            here = here or self._covered(rest, provider_id)
            if here:
                return here
        return self._covered(name, None)

    def _covered(self, name: str, provider_id: str | None) -> list[ModelSpec]:
        """Rows of the most exact wildcard that covers the name, as if they bore it."""
        for pattern in self._wildcards:
            first, _, last = pattern.partition("*")
            if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
                continue
            covered = name[len(first) : len(name) - len(last)]
            rows = [row for row in self._rows[pattern] if provider_id in (None, row.provider_id)]
            if covered and rows:
                return [_filled(row, covered) for row in rows]
        return []


def _filled(row: ModelSpec, covered: str) -> ModelSpec:
    return msgspec.structs.replace(row, upstream_model=row.upstream_model.replace("*", covered, 1))


def _retired(name: str, replacement: str, when: str, note: str | None = None) -> ModelNotFound:
    told = f" {note}" if note else ""
    return ModelNotFound(
        f"The model '{name}' was retired{when}. Use '{replacement}' instead.{told}",
        details={"model": name, "param": "model", "replaced_by": replacement},
    )
