"""The cache through a whole gateway."""
