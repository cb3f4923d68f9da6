"""The grammar of faults."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.simulator.faults import (
    ERROR_KINDS,
    FAULT_NAMES,
    NONE,
    FailureCounter,
    FaultError,
    Faults,
    of_model,
    parse,
)
from turnpike.simulator.naming import model_of
from turnpike.simulator.troubles import PLAIN, Trouble


def test_items_are_read_with_their_units() -> None:
    faults = parse("latency=200ms, jitter=0.5s,status=503,cut=4,oversize=2KB,key=a b")

    assert faults == Faults(latency_s=0.2, jitter_s=0.5, status=503, cut=4, oversize_bytes=2048, key="a b")


def test_bare_names_have_their_documented_meaning() -> None:
    assert parse("cut") == Faults(cut=3)
    assert parse("reset,hang,error-event") == Faults(reset=3, hang=0, error_event=3)
    assert parse("drip,oversize") == Faults(drip_s=0.0, oversize_bytes=1024 * 1024)
    assert parse("garbage,bad-json,bad-sse,html,no-usage,no-end,close") == Faults(
        garbage=True, bad_json=True, bad_sse=True, html=True, no_usage=True, no_end=True, close=True
    )


def test_no_items_are_no_fault() -> None:
    assert parse("") == parse(" , ") == NONE


def test_retry_after_alone_means_429() -> None:
    assert parse("retry-after=2").status == 429
    assert parse("retry-after=2,status=503").status == 503


@pytest.mark.parametrize("specification", ["latency=5", "latency=fast", "status=200", "status=600", "cut=x", "close=1"])
def test_a_wrong_value_names_its_item(specification: str) -> None:
    with pytest.raises(FaultError, match=specification.partition("=")[0]):
        parse(specification)


def test_an_unknown_item_is_answered_with_the_known_ones() -> None:
    with pytest.raises(FaultError) as caught:
        parse("explode")
    assert all(name in str(caught.value) for name in FAULT_NAMES)


@given(st.text(max_size=60))
def test_any_text_is_faults_or_a_fault_error(text: str) -> None:
    with contextlib.suppress(FaultError):
        assert isinstance(parse(text), Faults)


def test_only_a_name_below_sim_carries_faults() -> None:
    assert of_model("sim/status=500") == "status=500"
    assert of_model("simulator") is None
    assert of_model("other/sim/status=500") is None


def test_failures_are_counted_per_key() -> None:
    counter = FailureCounter()
    faults = parse("fail=2,status=503,key=one")

    assert [counter.in_force(faults, "x").status for _ in range(3)] == [503, 503, None]
    assert counter.in_force(msgspec.structs.replace(faults, key="two"), "x").status == 503


def test_without_a_key_the_whole_specification_is_the_key() -> None:
    counter = FailureCounter()

    assert counter.in_force(parse("fail=1"), "fail=1").status == 500
    assert counter.in_force(parse("fail=1"), "fail=1") == NONE
    assert counter.in_force(parse("fail=1,cut"), "fail=1,cut").cut == 3


def test_a_slow_call_still_fails_when_told_to() -> None:
    assert FailureCounter().in_force(parse("fail=1,latency=1ms"), "x").status == 500
    assert FailureCounter().in_force(parse("fail=1,garbage"), "x").status is None


@pytest.mark.parametrize("share", ["30%", "0.3"])
def test_a_share_of_the_calls_goes_wrong_and_all_are_slow(share: str) -> None:
    counter = FailureCounter()
    faults = parse(f"share={share},latency=20ms")
    met = [counter.in_force(faults, "x") for _ in range(100)]
    assert sum(each.status == 500 for each in met) == 30
    assert {each.latency_s for each in met} == {0.02}
    assert parse("share=0.3,cut=0").cut == 0
    for wrong in ("share=2", "share=-1", "share=x", "share=30ms"):
        with pytest.raises(FaultError, match="30%"):
            parse(wrong)


def test_cleared_counters_begin_anew() -> None:
    counter = FailureCounter()
    counter.in_force(parse("fail=1"), "x")
    counter.clear()

    assert counter.in_force(parse("fail=1"), "x").status == 500


def test_kinds_of_error_are_those_that_vendors_have_words_for() -> None:
    assert set(ERROR_KINDS) == {trouble.value for trouble in Trouble} == {trouble.value for trouble in PLAIN}
    assert parse("error=quota,retry-after=2") == Faults(error="quota", retry_after="2")
    with pytest.raises(FaultError, match="overloaded"):
        parse("error=tired")


@pytest.mark.parametrize(
    ("path", "content_type", "body", "model"),
    [
        ("/v1/x", "application/json", b'{"model": "sim/cut"}', "sim/cut"),
        ("/v1/x", "application/json", b'{"model": 5}', None),
        ("/v1beta/models/sim/status=500:generateContent", "application/json", b"{}", "sim/status=500"),
        ("/model/anthropic.claude-v1:0/converse-stream", "application/json", b"{}", "anthropic.claude-v1:0"),
        ("/openai/deployments/sim/cut/chat/completions", "application/json", b"{}", "sim/cut"),
        ("/v1/models", "application/json", b"", None),
        (
            "/v1/audio/transcriptions",
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nsim/hang\r\n--b--\r\n',
            "sim/hang",
        ),
        (
            "/v1/audio/transcriptions",
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * 200_000 +
            b'\r\n--b\r\nContent-Disposition: form-data; name="model"\r\nContent-Type: a/b\r\n\r\nm\r\n--b--\r\n',
            "m",
        ),
    ],
)  # fmt: skip
def test_the_model_is_found_wherever_an_api_names_it(
    path: str, content_type: str, body: bytes, model: str | None
) -> None:
    data = msgspec.json.decode(body) if body.startswith(b"{") else None
    assert model_of(path, {"content-type": content_type}, body, data) == model
