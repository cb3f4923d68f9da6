"""Realtime sessions: WebSocket on both sides, relayed message by message, each response accounted for on its own.

`upgrade` answers the offer of one, for which `opening` finds out who calls and dials the provider. `session` carries
the messages, `ends` is one side of it over wsproto, `turns` opens and settles responses in the journal.
"""
