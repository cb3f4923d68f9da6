"""Webhooks and alerts."""

COMMANDS: dict[str, tuple[str, str]] = {
    "webhooks add": (
        "webhooks:add",
        """Send events to an address.

The secret that deliveries are signed with is shown once.

For example:

    turnpike webhooks add https://hooks.example.com/turnpike
    turnpike webhooks add https://hooks.example.com/t --events 'key.*,budget.alert'
""",
    ),
    "webhooks list": (
        "webhooks:list_webhooks",
        """List webhooks.

For example:

    turnpike webhooks list --json
""",
    ),
    "webhooks set": (
        "webhooks:change",
        """Change a webhook, or switch it on or off.

For example:

    turnpike webhooks set https://hooks.example.com/turnpike --on
""",
    ),
    "webhooks remove": (
        "webhooks:remove",
        """Remove a webhook, with the history of its deliveries.

For example:

    turnpike webhooks remove https://hooks.example.com/turnpike
""",
    ),
    "webhooks rotate-secret": (
        "webhooks:rotate_secret",
        """Replace the secret that a webhook's deliveries are signed with.

For example:

    turnpike webhooks rotate-secret https://hooks.example.com/t --overlap-hours 48
""",
    ),
    "webhooks test": (
        "webhooks:ping",
        """Send a test to a webhook.

For example:

    turnpike webhooks test https://hooks.example.com/turnpike
""",
    ),
    "webhooks deliveries": (
        "webhooks:deliveries",
        """List what was sent and what is on its way, the newest first.

For example:

    turnpike webhooks deliveries --status dead
""",
    ),
    "webhooks delivery": (
        "webhooks:delivery",
        """Show a delivery: what is sent, and every attempt.

For example:

    turnpike webhooks delivery 01980000-0000-7000-8000-000000000000 --json
""",
    ),
    "webhooks replay": (
        "webhooks:replay",
        """Send a delivery again, or all dead letters of a webhook.

Each goes under its own id, so that a receiver that had it can tell.

For example:

    turnpike webhooks replay 01980000-0000-7000-8000-000000000000
    turnpike webhooks replay --webhook https://hooks.example.com/t --since 24h
""",
    ),
    "webhooks events": (
        "webhooks:events",
        """List the types of events.

For example:

    turnpike webhooks events
""",
    ),
    "alerts list": (
        "alerts:list_alerts",
        """List what is pending or firing now.

For example:

    turnpike alerts list
""",
    ),
    "alerts history": (
        "alerts:history",
        """Show what became of alerts, the newest first.

For example:

    turnpike alerts history --since 24h --state firing
""",
    ),
    "alerts rules": (
        "alerts:rules",
        """List alert rules.

For example:

    turnpike alerts rules --json
""",
    ),
    "alerts add-rule": (
        "alerts:add_rule",
        """Add an alert rule.

For example:

    turnpike alerts add-rule spend --name 'day over 100' --threshold 100 --minutes 1440
    turnpike alerts add-rule spend_anomaly --name odd --scope user --subject '*'
    turnpike alerts add-rule error_rate --name errors --scope provider --subject '*' \\
        --threshold 10 --minutes 15 --target ops
    turnpike alerts add-rule latency --name slow --threshold 8000 --percentile 99
    turnpike alerts add-rule provider_health --name down --target ops
""",
    ),
    "alerts remove-rule": (
        "alerts:remove_rule",
        """Remove an alert rule; its history stays.

For example:

    turnpike alerts remove-rule slow
""",
    ),
    "alerts silence": (
        "alerts:silence",
        """Keep alerts from being told for a while.

The history has them all the same. What still fires at its end is told then.

For example:

    turnpike alerts silence 'errors*' --subject openai --until 2h --reason planned
    turnpike alerts silence budget --until 1d
""",
    ),
    "alerts silences": (
        "alerts:silences",
        """List silences.

For example:

    turnpike alerts silences --all
""",
    ),
    "alerts unsilence": (
        "alerts:unsilence",
        """End a silence now.

For example:

    turnpike alerts unsilence 01980000-0000-7000-8000-000000000000
""",
    ),
    "alerts targets": (
        "alert_targets:targets",
        """List whom alerts are told to.

For example:

    turnpike alerts targets
""",
    ),
    "alerts add-target": (
        "alert_targets:add_target",
        """Add somebody whom alerts are told to.

For example:

    turnpike alerts add-target ops --email ops@example.com,ada@example.com
    turnpike alerts add-target chat --slack https://hooks.slack.com/services/...
    turnpike alerts add-target pager --webhook https://hooks.example.com/turnpike
""",
    ),
    "alerts remove-target": (
        "alert_targets:remove_target",
        """Remove a target.

For example:

    turnpike alerts remove-target chat
""",
    ),
    "alerts test-target": (
        "alert_targets:ping_target",
        """Send a test to a target.

For example:

    turnpike alerts test-target ops
""",
    ),
}
