"""A share of the people is always the same people, and about as many as it says."""

from typing import Any

from turnpike.control.domains.flags.rules import Person, evaluate, share_of

PEOPLE = [f"person-{number}" for number in range(2000)]


def inside(name: str, percentage: float) -> set[str]:
    document: dict[str, Any] = {"default": False, "rules": [{"value": True, "percentage": percentage}]}
    return {each for each in PEOPLE if evaluate(name, document, Person(each, None, "user"), active=True).value}


def test_a_share_grows_by_those_who_were_not_in_it() -> None:
    tenth, fifth = inside("editor", 10), inside("editor", 20)
    assert tenth < fifth
    assert 0.07 < len(tenth) / len(PEOPLE) < 0.13
    assert 0.16 < len(fifth) / len(PEOPLE) < 0.24
    assert inside("editor", 0) == set()
    assert inside("editor", 100) == set(PEOPLE)


def test_another_flag_chooses_others() -> None:
    assert inside("editor", 10) != inside("search", 10)
    assert share_of("editor", "a") == share_of("editor", "a")


def test_the_operator_is_in_no_share() -> None:
    document: dict[str, Any] = {"default": False, "rules": [{"value": True, "percentage": 100}]}
    assert evaluate("f", document, Person(None, None, "super_admin"), active=True).value is False
