"""Invitations: who may come in with an e-mail that nobody here has yet, and as what."""
