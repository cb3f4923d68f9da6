"""The APIs whose other paths are passed through: which objects they make, which paths are refused, what names what.

Data and pure functions; `turnpike.relay.passage` carries the requests. A vendor is never asked for here: only which of
the three APIs a path belongs to.
"""
