"""Limits, budgets, routes and policies."""

COMMANDS: dict[str, tuple[str, str]] = {
    "limits set": (
        "limits:set_limit",
        """Set a limit, or change the one that there is: what is not named stays as it is.

It is at work within a second. Of a key, its user and its department every limit
counts, and each replaces the tier's for the same resource and window.

For example:

    turnpike limits set --key ci --amount 100 --per minute
    turnpike limits set --tier pro --resource tokens --amount 2000000 --per day
    turnpike limits set --provider openai --resource concurrency --amount 50
    turnpike limits set --gateway --amount 5000 --burst 500 --unreachable open
""",
    ),
    "limits list": (
        "limits:list_limits",
        """List all limits.

For example:

    turnpike limits list --json
""",
    ),
    "limits show": (
        "limits:show",
        """Show how much of somebody's limits is used.

For example:

    turnpike limits show --key ci
    turnpike limits show --ip 203.0.113.7
""",
    ),
    "limits reset": (
        "limits:reset",
        """Begin somebody's running windows anew.

For example:

    turnpike limits reset --key ci
    turnpike limits reset --ip 203.0.113.7
""",
    ),
    "limits remove": (
        "limits:remove",
        """Take a limit away.

For example:

    turnpike limits remove 01a1feab-d154-7f9b-8e8a-b9564e6cb8e6
""",
    ),
    "tiers set": (
        "limits:set_tier",
        """Make a tier; its limits are set with `limits set --tier`.

For example:

    turnpike tiers set students --description 'Courses of this year'
    turnpike limits set --tier students --amount 20 --per minute
    turnpike keys create --name course --tier students
""",
    ),
    "tiers list": (
        "limits:list_tiers",
        """List tiers with their limits.

For example:

    turnpike tiers list
""",
    ),
    "tiers remove": (
        "limits:remove_tier",
        """Take a tier away that no key carries, with its limits.

For example:

    turnpike tiers remove students
""",
    ),
    "budgets set": (
        "budgets:set_budget",
        """Set a budget, or change the one that there is: what is not named stays as it is.

A hard budget refuses what could overrun it; a soft one only raises alerts. At
work within a second.

For example:

    turnpike budgets set --key ci --amount-usd 1.00 --period day
    turnpike budgets set --department Research --amount-usd 500 \\
        --period month --time-zone Europe/Berlin --alert 50,80,100
    turnpike budgets set --global --amount-usd 2000 --period month --soft
    turnpike budgets set --model 'gpt-*' --amount-usd 20 \\
        --period rolling --hours 24
""",
    ),
    "budgets list": (
        "budgets:list_budgets",
        """List budgets with what is spent of them.

For example:

    turnpike budgets list
    turnpike budgets list --json
""",
    ),
    "budgets show": (
        "budgets:show",
        """Show a budget, its periods, its alerts and who holds money of it.

For example:

    turnpike budgets show 01890a5d-ac96-774b-bcce-b302099a8057
""",
    ),
    "budgets delete": (
        "budgets:delete",
        """Delete a budget; what it counted stays in the ledger.

For example:

    turnpike budgets delete 01890a5d-ac96-774b-bcce-b302099a8057
""",
    ),
    "budgets write-off": (
        "budgets:write_off",
        """Take back what was lent to a machine that is gone for good.

Until then it counts as spent. Relays of this machine are never written off:
what they did not spend comes back by itself.

For example:

    turnpike budgets write-off 01890a5d-ac96-774b-bcce-b302099a8057
""",
    ),
    "routes set": (
        "routes:set_route",
        """Make a route, or a new version of it.

A route is a name that callers use like a model's, and goes before a model of
that name. Lists may be repeated or separated by commas. Rules with conditions
are written in a file; docs/routing.md shows them.

For example:

    turnpike routes set smart --to gpt-4o=3 --to claude-sonnet=1 --fallback mini
    turnpike routes set fast --to llama --strategy ewma --mirror llama-next=5
    turnpike routes set gpt-4o --to gpt-4o --rollout gpt-5=5 --note "5 % first"
    turnpike routes set smart --file smart.json
""",
    ),
    "routes list": (
        "routes:list_routes",
        """List routes.

For example:

    turnpike routes list --json
""",
    ),
    "routes show": (
        "routes:show",
        """Show a route's rules.

For example:

    turnpike routes show smart --json > smart.json
""",
    ),
    "routes explain": (
        "routes:explain",
        """Say where a request would go, and why; nothing is sent.

For example:

    turnpike routes explain smart --key ci
    turnpike routes explain smart --key ci --tag batch --input-tokens 50000 --json
""",
    ),
    "routes versions": (
        "routes:versions",
        """Show who changed a route, when, and why.

For example:

    turnpike routes versions smart
""",
    ),
    "routes rollback": (
        "routes:rollback",
        """Make an old version of a route the newest.

For example:

    turnpike routes rollback smart 3
""",
    ),
    "routes delete": (
        "routes:delete",
        """Take a route away.

The name means a model of its own again, where there is one.

For example:

    turnpike routes delete smart
""",
    ),
    "residency set": (
        "residency:set_policy",
        """Say where data may go; without a department, key or tag, all data.

No request that a policy holds for is sent anywhere else, be it a retry, a
fallback or a copy. Setting a policy that is there already replaces it.

For example:

    turnpike residency set europe --region 'eu-*' --tag personal
    turnpike residency set legal --region eu-central-1 --key legal-bot
""",
    ),
    "residency list": (
        "residency:list_policies",
        """List where data may go.

For example:

    turnpike residency list
""",
    ),
    "residency remove": (
        "residency:remove",
        """Take a policy away.

For example:

    turnpike residency remove europe
""",
    ),
    "policies set": (
        "policies:set_policy",
        """Make a policy, or replace the one of that name: nothing of it stays.

For all that a policy can say see docs/guards.md; it is set as JSON with --file.

For example:

    turnpike policies set house --pii mask --injection flag
    turnpike policies set support --pii restore --department Support
    turnpike policies set strict --pii block --detect card,iban --model 'gpt-*'
    turnpike policies set house --file house.json
""",
    ),
    "policies list": (
        "policies:list_policies",
        """List policies.

For example:

    turnpike policies list --json
""",
    ),
    "policies show": (
        "policies:show",
        """Show a policy.

For example:

    turnpike policies show house --json > house.json
""",
    ),
    "policies delete": (
        "policies:delete",
        """Delete a policy.

For example:

    turnpike policies delete house
""",
    ),
    "policies test": (
        "policies:try_out",
        """Show what policies find in a text, and what would go on.

Nothing of the text is kept. Ends with exit code 1 when it would be refused.

For example:

    turnpike policies test 'write to bob@example.com' --policy house
    turnpike policies test - --request < body.json
""",
    ),
}
