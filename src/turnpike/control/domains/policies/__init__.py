"""Policies of guards: kept, checked when they are set, compiled into snapshots; and what guards decided."""
