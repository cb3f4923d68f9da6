"""Limits and tiers: the rules, what they count at the moment, and resetting it."""
