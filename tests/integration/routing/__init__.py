"""Routes, as real processes carry them out."""
