"""Budgets without a process: periods, bounds, charges, loans."""
