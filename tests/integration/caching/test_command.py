"""`turnpike cache`: rules, clearing, numbers and calibration, against a running gateway."""

import json
import subprocess
import sys
from typing import Any

from tests.support.caching import ask, state
from tests.support.gateway import EMBEDDING_MODEL, SIDES, RunningGateway, wait_for
from turnpike.cli.calibration import read_pairs

MODEL = SIDES["openai_chat"].model


def run(gateway: RunningGateway, *arguments: str, code: int = 0) -> Any:
    command = [sys.executable, "-m", "turnpike.cli", *arguments, "--json", "--data-dir", str(gateway.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout or done.stderr)


def test_a_rule_is_set_changed_listed_and_taken_away(gateway: RunningGateway) -> None:
    made = run(gateway, "cache", "set", MODEL, "--ttl", "60")
    changed = run(gateway, "cache", "set", MODEL, "--sharing", "gateway")
    assert (changed["id"], changed["ttl_s"], changed["sharing"]) == (made["id"], 60, "gateway")
    assert [row["id"] for row in run(gateway, "cache", "list")] == [made["id"]]
    wait_for("a hit", lambda: True if state(ask(gateway, MODEL, "By command?")) == "hit" else None)
    assert run(gateway, "cache", "clear", "--model", MODEL)["cleared"] >= 1
    numbers = wait_for("counted", lambda: found if (found := run(gateway, "cache", "stats"))["hits"] else None)
    assert numbers["store"] == "disk"
    assert run(gateway, "cache", "set", MODEL, "--remove")["id"] == made["id"]
    assert run(gateway, "cache", "list") == []


def test_taking_away_what_is_not_there_says_so(gateway: RunningGateway) -> None:
    assert "nothing" in json.dumps(run(gateway, "cache", "set", "nothing", "--remove", code=1))


def test_calibration_tells_false_hits_and_finds_by_threshold(gateway: RunningGateway) -> None:
    rows = run(gateway, "cache", "calibrate", EMBEDDING_MODEL, "--url", gateway.url, "--api-key", gateway.admin_key)
    thresholds = [row["threshold"] for row in rows]
    assert thresholds == sorted(thresholds)
    for name in ("false_hits", "found"):
        values = [row[name] for row in rows]
        assert values == sorted(values, reverse=True)
        assert all(0 <= value <= 1 for value in values)
    assert rows[0]["false_hits"] > 0.2, "pairs that no embedding could confuse measure nothing"


def test_the_shipped_pairs_are_whole() -> None:
    pairs = read_pairs()
    assert sum(pair.same for pair in pairs) == sum(not pair.same for pair in pairs) == 30
    assert all(pair.first != pair.second for pair in pairs)
