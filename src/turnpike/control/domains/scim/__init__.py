"""Provisioning by an identity provider: SCIM 2.0 (RFC 7643, RFC 7644) at /scim/v2, its tokens, what its groups give.

The protocol is scim2-server's, its resources and filters are scim2-models'; both take a third of a second to load, so
only what is behind `provision.py` imports them, with the first request.
"""
