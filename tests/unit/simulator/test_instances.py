"""Instances are accepted by the schemas they were made for; Pydantic, which wrote the schemas, is the judge."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AnyUrl, BaseModel, Field, TypeAdapter

from turnpike.simulator.instances import SchemaError, instance


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    kind: Literal["leaf"]
    weight: Annotated[float, Field(gt=10, lt=10.6)]


class Tree(BaseModel):
    left: "Tree | None"
    leaves: list[Leaf]


class Everything(BaseModel):
    text: Annotated[str, Field(min_length=40, max_length=45)]
    short: Annotated[str, Field(max_length=3)]
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3}$")]
    whole: Annotated[int, Field(ge=100, multiple_of=7)]
    small: Annotated[int, Field(le=-5)]
    ratio: Annotated[float, Field(ge=0, le=1)]
    flag: bool
    nothing: None
    maybe: str | None
    colour: Colour
    either: int | list[str]
    numbers: Annotated[list[int], Field(min_length=3, max_length=4)]
    unique: set[Annotated[int, Field(ge=1)]]
    pair: tuple[int, str]
    named: dict[str, int]
    day: date
    moment: datetime
    identifier: UUID
    link: AnyUrl
    tree: Tree


TYPES: list[Any] = [
    Everything,
    Tree,
    Leaf,
    list[Leaf],
    dict[str, Leaf],
    Annotated[set[int], Field(min_length=4)],
    Annotated[set[Colour], Field(min_length=2)],
    Annotated[list[int], Field(max_length=0)],
    Literal[3, 4],
    IPv4Address,
    IPv6Address,
    Decimal,
    str | None,
]


@pytest.mark.parametrize("wanted", TYPES, ids=str)
def test_the_judge_accepts_the_instance(wanted: Any) -> None:
    adapter = TypeAdapter(wanted)

    adapter.validate_python(instance(adapter.json_schema()))


def test_it_is_the_same_every_time() -> None:
    schema = Everything.model_json_schema()

    assert instance(schema) == instance(schema)


def test_defaults_and_examples_are_taken() -> None:
    schema = {"properties": {"a": {"default": 5}, "b": {"type": "string", "examples": ["x"]}, "c": {"const": None}}}

    assert instance(schema) == {"a": 5, "b": "x", "c": None}


def test_parts_of_all_of_are_merged() -> None:
    schema = {
        "allOf": [
            {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
        ]
    }

    assert instance(schema) == {"a": 7, "b": True}


@pytest.mark.parametrize("schema", [{}, True, {"$ref": "#/nowhere"}, {"$ref": "#"}, {"type": "string", "pattern": "("}])
def test_a_schema_that_says_nothing_useful_still_gets_an_instance(schema: Any) -> None:
    assert instance(schema) == "simulated value"


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": 5},
        {"properties": []},
        {"anyOf": [True]},
        {"minimum": "1"},
        {"type": "array", "minItems": -1},
        {"type": "number", "multipleOf": 0},
        {"properties": {"a": {"type": 5}}},
    ],
)
def test_what_is_no_schema_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaError, match="invalid JSON Schema"):
        instance(schema)


def test_a_schema_without_a_finite_instance_is_refused_and_soon() -> None:
    names = [f"p{number}" for number in range(10)]
    endless = {"type": "object", "required": names, "properties": {name: {"$ref": "#"} for name in names}}

    for schema in (endless, {"type": "string", "minLength": 10**9}, {"type": "array", "minItems": 10**9}):
        with pytest.raises(SchemaError, match="limit"):
            instance(schema)


def test_a_null_keyword_is_no_keyword() -> None:
    assert instance({"type": "string", "maxLength": None, "enum": None}) == "simulated value"
