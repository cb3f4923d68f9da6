"""API keys: making, showing, changing, rotating and revoking them. A key itself is shown once and never stored."""
