"""Objects at providers and their owners, and what batches cost."""
