"""The truth: engine, sessions, tables, migrations. Knows no domain and no HTTP."""
