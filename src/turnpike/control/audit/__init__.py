"""The audit log's chain: what an entry is, how it is hashed, signed and verified. No database, no framework."""
