"""What every route shares: the envelope, errors, who is asking, pages. No domain."""
