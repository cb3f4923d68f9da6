"""Tools that several dialects share. Nothing here is a dialect."""
