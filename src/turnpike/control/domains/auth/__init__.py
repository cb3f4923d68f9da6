"""Signing in and out: local accounts, one-time links, issuers, sessions. Roles and people are domains/identity's."""
