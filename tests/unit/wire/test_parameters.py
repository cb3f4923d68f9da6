"""Values of vendors' parameters: checked, filled in, and the secret ones packed into one credential."""

import pytest

from turnpike.errors import InvalidRequest
from turnpike.wire.parameters import check_values, fill, pack_secret, placeholders, shown_secret, unpack_secret
from turnpike.wire.vendor import Parameter, Vendor


def vendor(*parameters: Parameter) -> Vendor:
    return Vendor(
        name="v", display_name="V", website="", reference="", base_url=None, operations={}, parameters=parameters
    )


PLAIN = vendor()
KEYED = vendor(
    Parameter(name="key_id", label="key id", secret=True),
    Parameter(name="key_secret", label="key secret", pattern=r"\S+", secret=True),
    Parameter(name="session", label="session", default="", pattern=r".+", secret=True),
)
SOLE = vendor(Parameter(name="account", label="account file", pattern=r"(?s).+", secret=True))


def test_only_what_is_known_is_filled_in() -> None:
    assert fill("/{a}/{model}/{model:path}/{b}{a}", {"a": "1"}) == "/1/{model}/{model:path}/{b}1"
    assert fill("/plain", {"plain": "x"}) == "/plain"
    assert fill("{a}", {"a": "{b}", "b": "x"}) == "{b}", "a value is never looked into"
    assert placeholders("https://{a}/{model}/{b_1}") == ["a", "model", "b_1"]


def test_what_may_be_left_out_gets_its_default() -> None:
    asked = vendor(Parameter(name="a", label="a", default="x"), Parameter(name="b", label="b", default=""))
    assert check_values(asked, {}) == {"a": "x", "b": ""}
    assert check_values(asked, {"a": " y ", "b": ""}) == {"a": "y", "b": ""}


@pytest.mark.parametrize("value", ["a/b", "a b", "-a", "{x}", "a\n", "a?b", "é", "x" * 200])
def test_a_value_that_could_change_the_address_is_refused(value: str) -> None:
    asked = vendor(Parameter(name="account", label="account", example="abc"))
    with pytest.raises(InvalidRequest, match="for example abc") as caught:
        check_values(asked, {"account": value + "/" if value == "a\n" else value})
    assert caught.value.details == {"param": "parameters.account"}


def test_a_key_of_one_part_is_kept_as_it_is() -> None:
    assert pack_secret(PLAIN, '{"a":1}') == '{"a":1}'
    assert unpack_secret(PLAIN, '{"key_id":"x"}') == {}
    with pytest.raises(InvalidRequest, match="visible ASCII"):
        pack_secret(PLAIN, "a b")


def test_parts_are_packed_in_one_order() -> None:
    packed = pack_secret(KEYED, '{"key_secret": "s", "key_id": "AKID"}')
    assert packed == '{"key_id":"AKID","key_secret":"s"}'
    assert unpack_secret(KEYED, packed) == {"key_id": "AKID", "key_secret": "s"}
    assert shown_secret(KEYED, packed) == "AKID"


def test_a_sole_part_may_be_given_bare_even_when_it_is_json() -> None:
    file = '{"type": "service_account", "private_key": "a\\nb"}'
    packed = pack_secret(SOLE, file)
    assert unpack_secret(SOLE, packed) == {"account": file}
    assert pack_secret(SOLE, packed) == packed, "what was kept is taken as it is"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("just-one", "shared_api_key"),
        ('{"key_id": "x"}', "parameters.key_secret"),
        ('{"key_id": "x", "key_secret": "hidden value"}', "parameters.key_secret"),
        ('{"key_id": "x", "key_secret": "y", "other": "z"}', "parameters.other"),
        ('{"key_id": 5}', "shared_api_key"),
    ],
)
def test_parts_that_do_not_fit_are_refused_without_being_repeated(given: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        pack_secret(KEYED, given)
    assert caught.value.details == {"param": param}
    assert "hidden" not in caught.value.message
    assert "just-one" not in caught.value.message
