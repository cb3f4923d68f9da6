"""Whatever is done to a chain is found, and the first place is named."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnpike.control.audit.chain import GENESIS, Entry, Personal, link
from turnpike.control.audit.entries import Draft
from turnpike.control.audit.signing import HEAD, Checkpoint, Signer
from turnpike.control.audit.verify import Broken, Verifier

SIGNER = Signer(b"s" * 32)
COUNT = 12
Pair = tuple[Entry, Personal | None]


def chain(count: int = COUNT) -> list[Pair]:
    made: list[Pair] = []
    previous = GENESIS
    for seq in range(1, count + 1):
        draft = Draft(
            f"key.{'update' if seq % 2 else 'create'}",
            seq * 1000,
            object_id=str(seq),
            changes=[{"n": seq}],
            personal={"address": f"10.0.0.{seq}"} if seq % 3 else {},
        )
        made.append(link(draft, seq, previous))
        previous = made[-1][0].hash
    return made


CHAIN = chain()
END = (COUNT, CHAIN[-1][0].hash)
SIGNED = [SIGNER.sign(HEAD, seq, CHAIN[seq - 1][0].hash, seq) for seq in (4, 9)]


def verify(
    pairs: list[Pair],
    end: tuple[int, str] | None = END,
    signed: list[Checkpoint] = SIGNED,
    erased: frozenset[int] = frozenset(),
) -> Broken | None:
    verifier = Verifier(signed, SIGNER.public_key, start=None)
    for entry, personal in pairs:
        verifier.feed(entry, personal, erased=entry.seq in erased)
    return verifier.end(end)


def test_what_was_written_is_whole() -> None:
    assert verify(CHAIN) is None


_WRONG: dict[str, Any] = {
    "action": "key.nothing", "at_ms": 1, "outcome": "refused", "error_code": "X", "actor_kind": "anonymous",
    "actor_id": "someone", "key_id": "k", "department_id": "d", "object_kind": "thing", "object_id": "other",
    "request_id": "r", "count": 99, "changes": None, "commitment": "0" * 64,
    "previous_hash": "1" * 64, "hash": "2" * 64,
}  # fmt: skip


@pytest.mark.parametrize("name", _WRONG)
@pytest.mark.parametrize("at", [0, 5, COUNT - 1])
def test_every_field_that_is_changed_is_found(name: str, at: int) -> None:
    entry, personal = CHAIN[at]
    changed = msgspec.structs.replace(entry, **{name: _WRONG[name]})
    broken = verify([*CHAIN[:at], (changed, personal), *CHAIN[at + 1 :]])
    assert broken is not None
    assert broken.seq == at + 1


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_deleted_inserted_swapped_and_truncated_entries_are_found(data: st.DataObject) -> None:
    pairs = list(CHAIN)
    what = data.draw(st.sampled_from(("delete", "insert", "swap", "truncate", "copy")))
    at = data.draw(st.integers(0, COUNT - 1))
    if what == "delete":
        del pairs[at]
    elif what == "insert":
        before = pairs[at - 1][0].hash if at else GENESIS
        pairs.insert(at, link(Draft("key.sneak", 5), at + 1, before))
    elif what == "swap":
        other = data.draw(st.integers(0, COUNT - 1).filter(lambda place: place != at))
        pairs[at], pairs[other] = pairs[other], pairs[at]
    elif what == "copy":
        pairs.insert(at, pairs[at])
    else:
        pairs = pairs[:at]
    broken = verify(pairs)
    assert broken is not None
    assert broken.seq <= COUNT


@pytest.mark.parametrize("at", range(COUNT))
def test_a_chain_made_anew_from_some_place_on_is_found_by_the_head_or_by_its_signatures(at: int) -> None:
    pairs = CHAIN[:at]
    previous = pairs[-1][0].hash if pairs else GENESIS
    for seq in range(at + 1, COUNT + 1):
        pairs = [*pairs, link(Draft("key.forged", seq), seq, previous)]
        previous = pairs[-1][0].hash
    assert verify(pairs) is not None
    # Who also changes the head's row is found where a signature lies behind the forgery.
    assert (verify(pairs, (COUNT, previous)) is not None) == (at < 9)


def test_a_cut_that_this_gateway_did_not_sign_is_no_excuse() -> None:
    forged = Signer(b"f" * 32).sign("cut", 6, CHAIN[5][0].hash, 1)
    broken = verify(CHAIN[6:], signed=[forged])
    assert broken is not None
    assert "not signed" in broken.reason or broken.seq == 1
    cut = SIGNER.sign("cut", 6, CHAIN[5][0].hash, 1)
    assert verify(CHAIN[6:], signed=[cut]) is None


def test_personal_data_may_be_erased_on_record_and_not_otherwise_nor_changed() -> None:
    at = next(place for place, (_, personal) in enumerate(CHAIN) if personal is not None)
    entry, personal = CHAIN[at]
    assert personal is not None
    without = [*CHAIN[:at], (entry, None), *CHAIN[at + 1 :]]
    assert verify(without, erased=frozenset((entry.seq,))) is None
    assert verify(without) == Broken(entry.seq, "its personal data is gone without an erasure on record")
    other = (entry, msgspec.structs.replace(personal, data='{"address":"10.9.9.9"}'))
    assert verify([*CHAIN[:at], other, *CHAIN[at + 1 :]]) == Broken(
        entry.seq, "its personal data is not what was written"
    )


def test_a_signed_head_whose_signature_does_not_fit_is_found() -> None:
    moved = msgspec.structs.replace(SIGNED[0], at_ms=7)
    assert verify(CHAIN, signed=[moved]) == Broken(4, "its head is not signed by this gateway's key")


def test_nul_and_huge_changes_do_not_stand_in_the_way() -> None:
    entry, personal = link(Draft("a.b", 1, changes=[{"x": "a\x00b"}], personal={"actor": "\x00"}), 1, GENESIS)
    assert "\\u0000" not in (entry.changes or "")
    assert personal is not None
    assert "\\u0000" not in personal.data
    big, _ = link(Draft("a.b", 1, changes=[{"x": "y" * 100_000}]), 1, GENESIS)
    assert big.changes == '[{"omitted":1}]'
