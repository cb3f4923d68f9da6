"""The audit log: reading, verifying, signing, exporting it, and what may be removed from it. It is written by the
database layer (control/db/audit_log.py), in the transaction of each change."""
