"""Groups that are too many for a token: Entra ID then says so in their place, and Microsoft Graph is asked.

Source: "Configure group claims and app roles in tokens", groups overage claim. The address that the token itself names
is not used: it is of an interface that Microsoft has retired, and a token should not choose whom we call.
"""

from typing import Any

import msgspec

from turnpike.control.oidc.metadata import Reader
from turnpike.control.oidc.tokens import Trusted
from turnpike.errors import Unauthenticated


class _Groups(msgspec.Struct):
    value: list[str]


def are_too_many(claims: dict[str, Any]) -> bool:
    names = claims.get("_claim_names")
    return (isinstance(names, dict) and "groups" in names) or claims.get("hasgroups") in (True, "true")


async def ask_graph(reader: Reader, trusted: Trusted, access_token: str | None) -> list[str]:
    """Ids of all groups that the person is in, directly or not. Raises Unauthenticated or an UpstreamError: without
    its groups nobody can say what the person may do."""
    if access_token is None:
        raise Unauthenticated("This person has more groups than a token holds, and there is no token to ask for them.")
    found = await reader.read(
        trusted.place,
        trusted.config.graph_url.rstrip("/") + "/v1.0/me/getMemberGroups",
        _Groups,
        headers={"authorization": f"Bearer {access_token}", "content-type": "application/json"},
        body=b'{"securityEnabledOnly":false}',
    )
    return found.value
