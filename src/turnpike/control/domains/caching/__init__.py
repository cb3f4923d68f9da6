"""The cache's rules, what is cleared of it, and the store that relays share."""
