"""Starts control, the relays and what else belongs to a server; watches, restarts and drains them.

Knows processes, sockets and signals, and nothing of what the programs do: no database, no framework, no HTTP. The
way it speaks with its children is turnpike.contract.processes. POSIX only: children inherit listening sockets.
"""
