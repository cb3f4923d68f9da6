"""People, and what is written down of what they do."""

COMMANDS: dict[str, tuple[str, str]] = {
    "users add": (
        "users:add",
        """Add a person.

With --link a one-time link is made, by which the person sets a password.

For example:

    turnpike users add "Ada Lovelace" --email ada@example.com --link
    turnpike users add Grace --role admin --department Research --json
""",
    ),
    "users list": (
        "users:list_users",
        """List people.

For example:

    turnpike users list
    turnpike users list --all --role admin --json
""",
    ),
    "users link": (
        "users:make_link",
        """Make a one-time link that lets a person in to set a password.

For the first administrator, for somebody new, or for who forgot it. The
person's earlier links end; the old password works until the link is used.

For example:

    turnpike users link Administrator
    turnpike users link ada@example.com
""",
    ),
    "users deactivate": (
        "users:deactivate",
        """Let a person and all of their keys and sessions in no more, within a second.

Sessions end and keys are revoked, for good.

For example:

    turnpike users deactivate ada@example.com
""",
    ),
    "users activate": (
        "users:activate",
        """Let a person in again.

Keys and sessions that ended stay so: make new ones.

For example:

    turnpike users activate ada@example.com
""",
    ),
    "users set-role": (
        "users:set_role",
        """Give a person another role, at work within a second.

For example:

    turnpike users set-role ada@example.com admin
    turnpike users set-role ada@example.com auditor
""",
    ),
    "roles list": (
        "roles:list_roles",
        """List roles.

Four are always there; others are made of the same permissions.

For example:

    turnpike roles list
    turnpike roles list --permissions
""",
    ),
    "roles set": (
        "roles:set_role",
        """Make a role of permissions, or change it.

A permission is held for one's own data, for that of the department, or for
all. A change is at work for all who have the role within a second.

For example:

    turnpike roles set auditor --permission view_audit=all_data --permission view_analytics=all_data
    turnpike roles set team-lead --permission chat,view_users=department_data,manage_keys=department_data
""",
    ),
    "roles remove": (
        "roles:remove",
        """Take a role away that nobody has.

For example:

    turnpike roles remove auditor
""",
    ),
    "sessions list": (
        "sessions:list_sessions",
        """List who is signed in.

For example:

    turnpike sessions list
    turnpike sessions list --user ada@example.com --all --json
""",
    ),
    "sessions revoke": (
        "sessions:revoke",
        """End a session, or all of a person's, within a second.

For example:

    turnpike sessions revoke 01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5
    turnpike sessions revoke --user ada@example.com
""",
    ),
    "ledger tail": (
        "ledger:tail",
        """Show the newest calls, and with --follow those to come.

With --json each call is one line of JSON, oldest first.

For example:

    turnpike ledger tail -n 50
    turnpike ledger tail --follow --json
""",
    ),
    "ledger export": (
        "ledger:export",
        """Write calls out, one row an event.

For example:

    turnpike ledger export > calls.ndjson
    turnpike ledger export --format csv --since 2026-01-01 > calls.csv
""",
    ),
    "audit tail": (
        "audit:tail",
        """Show the newest entries of the audit log.

For example:

    turnpike audit tail
    turnpike audit tail --action 'provider.*' --since 7d
    turnpike audit tail --outcome refused --follow
""",
    ),
    "audit verify": (
        "audit:verify",
        """Recompute the audit log's chain and check its signatures.

Names the first entry that is not as it was written, and ends with exit code 1
when there is one. With --against FILE the signed heads in it (from
`audit heads`, kept elsewhere) must still be those of this log; with --file
an export is checked instead, without any gateway.

For example:

    turnpike audit verify
    turnpike audit verify --against heads-of-last-month.ndjson
    turnpike audit verify --file turnpike-audit.ndjson --public-key 9f3c...
""",
    ),
    "audit heads": (
        "audit:heads",
        """Sign where the audit log stands and write the signed heads out.

One JSON object a line, the newest first. Keep them where nobody who runs this
gateway can change them: they prove later that nothing before them was changed.

For example:

    turnpike audit heads > heads-of-this-month.ndjson
""",
    ),
    "audit export": (
        "audit:export",
        """Write the audit log out with its proof.

For example:

    turnpike audit export > audit.ndjson
    turnpike audit export --format csv --since 30d > audit.csv
""",
    ),
    "audit erase": (
        "audit:erase",
        """Remove a person's name and addresses from the audit log.

What they did stays, under their id, and the log stays verifiable.

For example:

    turnpike audit erase 01a1fea1-36f8-721f-92fb-2d45f12556fb
""",
    ),
    "audit cut": (
        "audit:cut",
        """Remove old entries from the audit log, behind a signed mark.

For example:

    turnpike audit export --until 365d > audit-of-last-year.ndjson
    turnpike audit cut --before 365d
""",
    ),
    "networks list": (
        "networks:list_rules",
        """List which networks may reach the gateway, and which may not.

For example:

    turnpike networks list
    turnpike networks list --json
""",
    ),
    "networks allow": (
        "networks:allow",
        """Let a network in; from the first one on, only allowed networks come in.

For example:

    turnpike networks allow 10.0.0.0/8 --note office
""",
    ),
    "networks deny": (
        "networks:deny",
        """Keep a network out, whatever is allowed.

For example:

    turnpike networks deny 203.0.113.7 --expires 24h --note 'guesses keys'
""",
    ),
    "networks remove": (
        "networks:remove",
        """Remove a rule of a network.

For example:

    turnpike networks remove 203.0.113.7
""",
    ),
}
