"""Events, without a database."""
