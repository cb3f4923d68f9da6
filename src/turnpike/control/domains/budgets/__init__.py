"""Budgets: what may be spent by whom in which period, the lending of it to relays, and the alerts."""
