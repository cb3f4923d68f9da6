"""What each command's help says: where it is, and the text, first line first.

Kept apart from the commands, so that help imports none of them.
"""

from turnpike.cli.texts import catalog, governing, people, platform, provisioning, serving, telling

HELP = """One road to every AI model: a self-hosted AI gateway.

A first start:

    turnpike serve

Every command works on one installation, the data folder: through the running
server, or on the folder itself while none runs.
"""

GROUPS: dict[str, str] = {
    "keys": "API keys: who may call, and what.",
    "providers": "Where models come from.",
    "resilience": "Failing providers, and more calls than there is room for.",
    "models": "What callers can ask for.",
    "cache": "Answers that are kept to be given again.",
    "users": "People: who they are, and what they may do.",
    "departments": "What people belong to, and what that gives and allows.",
    "invitations": "Who may come in for the first time.",
    "scim": "Provisioning of people by an identity provider.",
    "scim token": "What an identity provider shows to provision people.",
    "scim mapping": "What a provider's groups give.",
    "roles": "What people may do, by name.",
    "sessions": "Who is signed in.",
    "budgets": "What may be spent, by whom and when.",
    "routes": "Where requests go.",
    "residency": "Where data may go.",
    "policies": "What may be said to models and by them.",
    "ledger": "What was called, by whom, and what it cost.",
    "audit": "Who changed what, who was refused what, and the proof of it.",
    "webhooks": "Who is told of events, and what became of it.",
    "alerts": "What is to be told when it goes wrong, and to whom.",
    "networks": "Which networks may reach the gateway.",
    "limits": "How much may be used, in a time or at once.",
    "tiers": "Sets of limits that keys carry.",
    "flags": "Features that are switched on for some.",
    "settings": "What the gateway is set to.",
    "maintenance": "Closing the gateway for a while.",
    "db": "The database.",
    "secrets": "The keys that encrypt secrets at rest.",
}

COMMANDS: dict[str, tuple[str, str]] = {
    **serving.COMMANDS,
    **catalog.COMMANDS,
    **people.COMMANDS,
    **provisioning.COMMANDS,
    **governing.COMMANDS,
    **platform.COMMANDS,
    **telling.COMMANDS,
}
"""By their words: module and function, and the text."""
