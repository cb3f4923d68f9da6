"""Help of the commands that set the gateway itself: feature flags, settings, maintenance."""

COMMANDS: dict[str, tuple[str, str]] = {
    "flags set": (
        "flags:set_flag",
        """Make a feature flag, or change it.

A value is JSON: true, 10, '"text"', '{"a": 1}'; its first value says what the
flag's values are. With a department, user, role or percentage, a rule is put
before those there are; without one the default is set. The first rule that
holds decides.

For example:

    turnpike flags set new_editor false
    turnpike flags set new_editor true --role admin
    turnpike flags set new_editor true --percentage 10
    turnpike flags set new_editor true --department Research --clear-rules
""",
    ),
    "flags list": (
        "flags:list_flags",
        """List feature flags.

For example:

    turnpike flags list
    turnpike flags list --json
""",
    ),
    "flags remove": (
        "flags:remove",
        """Take a feature flag away.

For example:

    turnpike flags remove new_editor
""",
    ),
    "settings list": (
        "settings:list_settings",
        """List settings, and where their values come from.

Secrets are never shown. Those that can be changed while the gateway runs are
marked; the others are read from the environment when it starts.

For example:

    turnpike settings list --changeable
""",
    ),
    "settings set": (
        "settings:set_setting",
        """Change a setting while the gateway runs.

It goes before the environment's, and is in force within a second.

For example:

    turnpike settings set api_key_lifetime_days 90
    turnpike settings set require_if_match true
""",
    ),
    "settings reset": (
        "settings:reset",
        """Go back to the environment's value of a setting.

For example:

    turnpike settings reset api_key_lifetime_days
""",
    ),
    "maintenance on": (
        "settings:close",
        """Close the gateway to new calls; keys with the scope admin go on.

Callers get 503 with this message and a Retry-After. Calls under way end as
they would.

For example:

    turnpike maintenance on --message "Back at 14:00." --retry-after 600
""",
    ),
    "maintenance off": (
        "settings:reopen",
        """Open the gateway again.

For example:

    turnpike maintenance off
""",
    ),
    "maintenance show": (
        "settings:show_maintenance",
        """Show whether the gateway is closed.

For example:

    turnpike maintenance show --json
""",
    ),
}
