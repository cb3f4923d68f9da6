"""The control plane: identity, keys, catalog and ledger behind one REST API, and the truth that relays are fed from.

It never carries a model call; that is the relay's work.
"""
