"""The log is JSON with a request id, and holds nothing that looks like a key."""

import json
import logging
from pathlib import Path

import pytest
import structlog

from tests.support.databases import test_settings
from turnpike.control import logs
from turnpike.settings import LogFormat


@pytest.fixture
def captured(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    settings = test_settings(tmp_path, log_format=LogFormat.JSON)
    logs.configure(settings)
    added = [handler for handler in root.handlers if handler not in before]

    def lines() -> list[dict[str, object]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield lines
    for handler in added:
        root.removeHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_says_when_who_and_what(captured) -> None:  # pyright: ignore[reportMissingParameterType]
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("happened", count=3)
    (line,) = captured()
    assert {name: line[name] for name in ("level", "program", "event", "count", "request_id")} == {
        "level": "info", "program": "control", "event": "happened", "count": 3, "request_id": "r-1",
    }  # fmt: skip
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize(
    "text",
    ["tp-" + "a1B2" * 11, "sk-proj-" + "a1B2" * 8, "sk-ant-api03-" + "a1B2" * 8, "gsk_" + "a1B2" * 8],
)
def test_keys_are_not_in_the_log_wherever_they_stand(captured, text: str) -> None:  # pyright: ignore[reportMissingParameterType]
    log = structlog.get_logger()
    log.info(text, reason=f"bad {text}!", nested={"list": [text]}, authorization=f"Bearer {text}")
    logging.getLogger("sqlalchemy").warning("failed with %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("fault")
    lines = captured()
    assert len(lines) == 3
    assert "Traceback" in str(lines[2]["exception"])
    assert text not in json.dumps(lines)


def test_a_password_in_an_address_is_not_in_the_log(captured) -> None:  # pyright: ignore[reportMissingParameterType]
    structlog.get_logger().error("x", address="postgresql://me:hunter2@db/name")
    assert "hunter2" not in json.dumps(captured())
