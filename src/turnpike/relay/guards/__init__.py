"""Policies at work in a relay: on a request before it is sent, and on its answer before the caller has it.

Imported when a snapshot first has a policy (turnpike.relay.gates.guarding): what is in here costs a relay without
policies neither time nor memory.
"""
