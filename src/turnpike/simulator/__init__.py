"""An upstream that answers in every dialect that Turnpike speaks, with faults on demand: no model, no cost, no net.

Part of the product (`turnpike simulate`) and the opposite side in its tests. docs/simulator.md describes its answers
for users. Knows the canonical usage type of `turnpike.wire` and nothing of relay or control.
"""

from turnpike.simulator.server import DEFAULT_PORT, run

__all__ = ["DEFAULT_PORT", "run"]
