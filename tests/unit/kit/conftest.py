"""Hypothesis on a machine that others use, too: no deadlines, fewer examples."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "turnpike", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("turnpike")
