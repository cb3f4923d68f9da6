"""OpenID Connect as a relying party: discovery, keys, tokens of issuers, and what their claims mean here.

Every request of this package goes out through turnpike.control.outbound, so each address is asked of the policy.
"""
