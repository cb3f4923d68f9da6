"""Limits as a relay counts them: meters, who fills them, which rules are whose, and how they are told."""

from turnpike.relay.limits.desk import Desk as Desk
from turnpike.relay.limits.meters import Meter as Meter
