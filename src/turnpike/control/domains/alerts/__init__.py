"""Alerts: rules over the ledger and over providers' health, whom they tell, silences, and the history."""
