"""What each guard costs: microseconds for a kilobyte of ordinary text, and of text full of finds.

    python -m bench.guards [--json]

Writes bench/results/guards.json. One core, one process, the best of five rounds, in time of the processor.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from turnpike.wire.guards import injection
from turnpike.wire.guards.detectors import DETECTORS
from turnpike.wire.guards.filter import Filter, Finds, whole
from turnpike.wire.guards.placeholders import Vault
from turnpike.wire.guards.rules import Rules
from turnpike.wire.guards.spec import GuardSpec

_PROSE = (
    "The committee met on Tuesday 12 March and agreed, after some talk, that 3,400 euros would do for now. "
    "Nobody had read section 4.2 of the report; version 1.10.3 of it was sent round at 14:30. "
)
_FULL = "Write to bob@example.com or +49 30 1234567, card 4111 1111 1111 1111, account DE89 3704 0044 0532 0130 00. "
_ROUNDS, _TIMES = 5, 100
_RESULT = Path(__file__).parent / "results" / "guards.json"


def _text(sentence: str) -> str:
    return (sentence * (1024 // len(sentence) + 1))[:1024]


def _us(work: Callable[[], object]) -> float:
    work()
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(_TIMES):
            work()
        best = min(best, time.process_time() - began)
    return round(best / _TIMES * 1e6, 1)


def _rules(**facts: object) -> Rules:
    values = {"name": "g", "kind": "pii", "action": "mask", **facts}
    return Rules([("p", "p", GuardSpec(**values))], "prompt")  # pyright: ignore[reportArgumentType]


def _streamed(rules: Rules, text: str) -> None:
    """In pieces of 20 characters, as models send them."""
    made = Filter(rules, Finds(), Vault())
    for place in range(0, len(text), 20):
        made.feed(text[place : place + 20])
    made.feed("", final=True)


def measure() -> dict[str, dict[str, float]]:
    """By guard: prose and full, whole and streamed, in microseconds a KB."""
    made = {f"pii {kind}": _rules(detect=(kind,)) for kind in DETECTORS}
    made["pii all"] = _rules()
    made["pii all, restore"] = _rules(action="restore", on="prompt")
    made["pii all, block"] = _rules(action="flag")
    made["100 terms"] = _rules(kind="terms", terms=tuple(f"codeword{number}" for number in range(100)))
    made["10 patterns"] = _rules(kind="patterns", patterns=tuple(rf"TICKET-{number}[0-9]{{4}}" for number in range(10)))
    prose, full = _text(_PROSE), _text(_FULL)
    found: dict[str, dict[str, float]] = {}
    for name, rules in made.items():
        found[name] = {
            "prose_us_per_kb": _us(lambda rules=rules: whole(rules, prose, Finds(), Vault())),
            "full_us_per_kb": _us(lambda rules=rules: whole(rules, full, Finds(), Vault())),
            "streamed_prose_us_per_kb": _us(lambda rules=rules: _streamed(rules, prose)),
        }
    found["injection"] = {
        "prose_us_per_kb": _us(lambda: injection.score(prose)),
        "full_us_per_kb": _us(lambda: injection.score(full)),
    }
    return found


def main() -> None:
    found = measure()
    _RESULT.write_text(json.dumps(found, indent=2) + "\n")
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    print(f"{'guard':24}{'prose':>10}{'full':>10}{'streamed':>10}   us/KB")
    for name, costs in found.items():
        print(f"{name:24}" + "".join(f"{cost:10.1f}" for cost in costs.values()))


if __name__ == "__main__":
    main()
