"""The journal's private structures are the contract's, field for field."""

from types import UnionType
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.contract.events import Abandoned, Caller, OpenRecord, Record, Served, UsageEvent
from turnpike.relay import records
from turnpike.wire.types.usage import MediaUsage, Usage

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Record).decode

TEXT = st.text(max_size=8)
MAYBE = st.none() | TEXT
COUNT = st.integers(0, 2**40)
CALLERS = st.builds(Caller, TEXT, TEXT, TEXT, MAYBE)
SERVED = st.builds(Served, TEXT, TEXT, TEXT, MAYBE, TEXT, TEXT, TEXT, MAYBE)
MEDIA = st.builds(MediaUsage, COUNT, TEXT, *[COUNT] * (len(MediaUsage.__struct_fields__) - 3), TEXT)
USAGE = st.builds(Usage, *[COUNT] * (len(Usage.__struct_fields__) - 1), st.none() | MEDIA)
ABANDONED = st.builds(Abandoned, SERVED, COUNT, TEXT, st.none() | COUNT)
CHARGED = st.lists(TEXT, max_size=3).map(tuple)
COPIES = st.none() | st.binary(min_size=16, max_size=16)
HEADS = (st.binary(min_size=16, max_size=16),)


def raw(served: Served | None) -> msgspec.Raw | None:
    return None if served is None else msgspec.Raw(encode(served))


@pytest.mark.parametrize(("private", "public"), [(records.Open, OpenRecord), (records.Settled, UsageEvent)])
def test_fields_stand_in_the_contracts_order(private: type[msgspec.Struct], public: type[msgspec.Struct]) -> None:
    fields = private.__struct_fields__
    assert fields == public.__struct_fields__[: len(fields)]
    assert private.__struct_config__.tag == public.__struct_config__.tag
    assert private.__struct_config__.array_like
    missing = public.__struct_fields__[len(fields) :]
    defaults = public.__struct_defaults__
    assert len(missing) <= len(defaults), "a field without a default is not written"


@pytest.mark.parametrize(("private", "public"), [(records.Open, OpenRecord), (records.Settled, UsageEvent)])
def test_fields_have_the_contracts_types(private: type[msgspec.Struct], public: type[msgspec.Struct]) -> None:
    names = {"OpenRecord": OpenRecord, "UsageEvent": UsageEvent}
    ours, theirs = get_type_hints(private, localns=names), get_type_hints(public)
    for name in private.__struct_fields__:
        expected: Any = theirs[name]
        if name == "served":
            expected = (
                msgspec.Raw | None
                if isinstance(expected, UnionType) and None.__class__ in get_args(expected)
                else msgspec.Raw
            )
        assert ours[name] == expected, name


@given(data=st.data())
def test_an_open_record_decodes_to_the_contracts(data: st.DataObject) -> None:
    served = data.draw(SERVED)
    values: list[Any] = [
        data.draw(part) for part in (*HEADS, COUNT, COUNT, COUNT, TEXT, MAYBE, CALLERS, TEXT, TEXT, st.booleans(), TEXT)
    ]
    rest = (data.draw(MAYBE), data.draw(CHARGED), data.draw(COPIES))
    assert decode(encode(records.Open(*values, raw(served), *rest))) == OpenRecord(*values, served, *rest)  # pyright: ignore[reportArgumentType]


@given(data=st.data())
def test_a_settle_record_decodes_to_the_contracts(data: st.DataObject) -> None:
    served = data.draw(st.none() | SERVED)
    before = [data.draw(part) for part in (*HEADS, COUNT, TEXT, MAYBE, CALLERS, TEXT, TEXT, st.booleans(), TEXT)]
    behind = [
        data.draw(part)
        for part in (
            COUNT, COUNT, MAYBE, st.none() | USAGE, COUNT, st.none() | COUNT, COUNT, COUNT, COUNT,
            st.lists(ABANDONED, max_size=3).map(tuple), MAYBE, MAYBE, CHARGED, COUNT, COPIES, MAYBE,
        )
    ]  # fmt: skip
    written = encode(records.Settled(*before, raw(served), *behind))
    assert decode(written) == UsageEvent(*before, served, *behind)
