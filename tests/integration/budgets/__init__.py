"""Budgets, with real processes and real databases."""
