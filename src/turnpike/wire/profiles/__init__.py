"""Facts about model families and about how providers differ. No code asks "is this vendor X?": it asks for a fact."""
