"""How people get here and leave: departments, invitations, provisioning, export and erasure."""

COMMANDS: dict[str, tuple[str, str]] = {
    "users invite": (
        "invitations:invite",
        """Make a one-time link for somebody new, and mail it where mail is set up.

Whoever opens it chooses a password and is here from then on; a first sign-in
through an issuer with the same verified e-mail does the same.

For example:

    turnpike users invite ada@example.com
    turnpike users invite grace@example.com --role department_admin --department Research
""",
    ),
    "users export": (
        "privacy:export",
        """Write out everything that is held about a person, as a JSON document.

Profile, sessions, keys without secrets, calls, invitations, what guards
decided, and the audit log's entries about the person.

For example:

    turnpike users export ada@example.com --out ada.json
""",
    ),
    "users erase": (
        "privacy:erase",
        """Remove for ever what tells who a person was.

Keys are revoked; what was used and what it cost stays in the ledger, under a
pseudonym. The audit log's proof stays whole. This cannot be taken back.

For example:

    turnpike users erase ada@example.com --yes
""",
    ),
    "invitations list": (
        "invitations:list_invitations",
        """List invitations.

For example:

    turnpike invitations list
    turnpike invitations list --status all --json
""",
    ),
    "invitations revoke": (
        "invitations:revoke",
        """Take an invitation back.

For example:

    turnpike invitations revoke ada@example.com
""",
    ),
    "departments add": (
        "departments:add",
        """Add a department.

For example:

    turnpike departments add Research --code 4711
    turnpike departments add Interns --tier free --model 'gpt-4o-mini,claude-*'
""",
    ),
    "departments list": (
        "departments:list_departments",
        """List departments.

For example:

    turnpike departments list --json
""",
    ),
    "departments show": (
        "departments:show",
        """Show a department and its people.

For example:

    turnpike departments show Research
""",
    ),
    "departments change": (
        "departments:change",
        """Change a department, at work within a second.

For example:

    turnpike departments change Research --name "Research and Development"
    turnpike departments change Interns --tier none --model all
""",
    ),
    "departments move": (
        "departments:move",
        """Move a person, and their keys, to a department, within a second.

For example:

    turnpike departments move ada@example.com Research
""",
    ),
    "departments remove": (
        "departments:remove",
        """Remove a department; one that has people only with --move-to.

For example:

    turnpike departments remove Interns --move-to Research
""",
    ),
    "scim token add": (
        "scim:add_token",
        """Make a token for an identity provider and show it once.

It works at /scim/v2 and nowhere else, and acts on nobody above who made it.

For example:

    turnpike scim token add "Entra ID" --expires 365d
""",
    ),
    "scim token list": (
        "scim:list_tokens",
        """List tokens for SCIM.

For example:

    turnpike scim token list
""",
    ),
    "scim token revoke": (
        "scim:revoke_token",
        """Make a token for SCIM unknown, at once and for good.

For example:

    turnpike scim token revoke "Entra ID"
""",
    ),
    "scim mapping add": (
        "scim:add_mapping",
        """Say what being in a provider's group gives.

For example:

    turnpike scim mapping add "AI administrators" --role admin
    turnpike scim mapping add Researchers --department Research
""",
    ),
    "scim mapping list": (
        "scim:list_mappings",
        """List what groups give.

For example:

    turnpike scim mapping list
""",
    ),
    "scim mapping remove": (
        "scim:remove_mapping",
        """Let a group give nothing any more; a role that it gave goes with it.

For example:

    turnpike scim mapping remove Researchers
""",
    ),
}
