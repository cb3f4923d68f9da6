"""The `turnpike` command: starts a server, and administers one through control's admin socket.

Knows the platform's REST shapes as any client does; it reads no table and decides no rule. Each command is imported
when it is called, so that the others cost nothing.
"""
