"""One module a group of commands: what it asks for, and what it prints. The work is done elsewhere."""
