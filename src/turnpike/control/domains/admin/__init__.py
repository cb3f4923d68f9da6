"""The gateway's own affairs: its encryption keys and its state."""
