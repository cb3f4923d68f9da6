"""Ports: what control needs from outside itself and may get in more than one way. Knows no domain."""
