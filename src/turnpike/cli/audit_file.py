"""Checks an exported audit log by itself: no gateway, no database, only the file and the key that must have signed."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from turnpike.errors import InvalidRequest


def verify_file(path: Path, public_key: str | None) -> dict[str, Any]:
    """The verdict as /api/v1/audit/verify gives it. Without a public key the one that the file names is taken, which
    shows that the file is whole, and not who wrote it. Raises InvalidRequest for what is no export."""
    # Importing control's parts costs a while, and only this command needs them.
    chain = import_module("turnpike.control.audit.chain")
    signing = import_module("turnpike.control.audit.signing")
    verification = import_module("turnpike.control.audit.verify")
    records = list(_records(path))
    if not records or records[0].get("type") != "start":
        raise InvalidRequest(f"{path} is no export of an audit log in ndjson: its first line says where it starts")
    start = records[0]
    key = public_key or start["public_key"]
    try:
        signed = [_made(signing.Checkpoint, record) for record in records if record["type"] == "checkpoint"]
        verifier = verification.Verifier(signed, key, start=(start["seq"], start["hash"]))
        for record in records:
            if record["type"] != "entry":
                continue
            personal = None
            if record["personal_salt"] is not None:
                personal = chain.Personal(record["personal_salt"], record["personal_data"])
            verifier.feed(_made(chain.Entry, record), personal, erased=record["erased"])
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise InvalidRequest(f"{path} is no export of an audit log in ndjson: {error}") from error
    last = max((checkpoint.seq for checkpoint in signed), default=verifier.last)
    broken = verifier.end((max(last, verifier.last), verifier.hash))
    reach = max((checkpoint.seq for checkpoint in signed if checkpoint.kind == signing.HEAD), default=0)
    return {
        "ok": broken is None,
        "first": start["seq"],
        "last": verifier.last,
        "entries": verifier.entries,
        "heads": verifier.heads,
        "erased": verifier.erased,
        "signed_seq": reach,
        "unsigned": max(0, verifier.last - reach),
        "broken_seq": broken.seq if broken else None,
        "reason": broken.reason if broken else None,
        "public_key": key,
    }


def _made(kind: Any, record: dict[str, Any]) -> Any:
    return msgspec.convert({name: record[name] for name in kind.__struct_fields__}, kind)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            for line in file:
                yield msgspec.json.decode(line, type=dict[str, Any])
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{path} is no export of an audit log in ndjson: {error}") from error
