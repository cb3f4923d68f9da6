"""Turnpike: one road to every AI model. ARCHITECTURE.md says which room does what."""

__version__ = "0.1.0"
