"""Canonical types: the one form between two dialects, used only when they differ."""
