"""What each command's help says: where it is, and the text, first line first.

Kept apart from the commands, so that help imports none of them.
"""

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
    "sessions": "Who is signed in.",
    "budgets": "What may be spent, by whom and when.",
    "routes": "Where requests go.",
    "residency": "Where data may go.",
    "policies": "What may be said to models and by them.",
    "ledger": "What was called, by whom, and what it cost.",
    "audit": "Who changed what, who was refused what, and the proof of it.",
    "networks": "Which networks may reach the gateway.",
    "limits": "How much may be used, in a time or at once.",
    "tiers": "Sets of limits that keys carry.",
    "db": "The database.",
    "secrets": "The keys that encrypt secrets at rest.",
}

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": (
        "serve:serve",
        """Run the gateway.

Makes its data folder, secrets and database on the first start, and shows the
first API key once: on a terminal, else in a file that the log names. Provider
keys in the environment and model servers on this machine are offered as
providers. Where there is none, a simulator answers. SIGTERM or Ctrl-C lets
running requests finish; a second one ends at once.

With --json the log is JSON, and one object says where the server is, on
standard output, once it serves.

For example:

    turnpike serve
    turnpike serve --port 8090 --yes
    turnpike serve --host 0.0.0.0 --relays 4 --data-dir /var/lib/turnpike
""",
    ),
    "simulate": (
        "simulate:simulate",
        """Run a simulated provider, to try things without a model or a cost.

It answers in every dialect that Turnpike speaks, and fails in every way that
providers do when it is asked to. When it serves it writes the line
`turnpike-ready PORT`. A server that was given no provider runs one of its
own.

For example, in two terminals:

    turnpike simulate --port 8089
    turnpike providers add simulator --allow-address 127.0.0.1/32 \\
        --base-url http://127.0.0.1:8089/v1
""",
    ),
    "cache set": (
        "cache:set_rule",
        """Keep answers of a model and give them again, or change how.

Nothing is kept without a rule. The most exact rule decides alone: one for a
key before one for a department before others, then the longest name. A rule
that is changed starts with nothing kept.

For example:

    turnpike cache set 'gpt-*' --ttl 3600
    turnpike cache set faq-bot --sharing gateway --wait 10
    turnpike cache set faq-bot --mode exact+semantic --threshold 0.95 \\
        --embedding-model text-embedding-3-small
    turnpike cache set 'gpt-*' --remove
""",
    ),
    "cache list": (
        "cache:list_rules",
        """List the cache's rules.

For example:

    turnpike cache list --json
""",
    ),
    "cache clear": (
        "cache:clear",
        """Forget kept answers, on every machine.

For example:

    turnpike cache clear
    turnpike cache clear --model faq-bot
""",
    ),
    "cache calibrate": (
        "cache:calibrate",
        """Measure how often near questions would be taken for the same.

Asks an embeddings model, through the gateway, for 30 pairs of questions that
mean the same and 30 that nearly look the same and do not. For each threshold:
the share of the second kind that would be answered wrongly, and the share of
the first kind that would be found. Choose the threshold of a semantic rule by
it: every embeddings model has its own.

For example:

    turnpike cache calibrate text-embedding-3-small --api-key - < key.txt
""",
    ),
    "cache stats": (
        "cache:stats",
        """Show what the cache holds and did.

For example:

    turnpike cache stats --json
""",
    ),
    "keys create": (
        "keys:create",
        """Make an API key and show it once.

Only a digest of it is stored: nobody can show it again. Lists may be repeated
or separated by commas.

For example:

    turnpike keys create --name ci --expires 30d
    turnpike keys create --name reports --scope ledger:read --expires never
    turnpike keys create --name team --model 'gpt-*' --model 'claude-*' --json
""",
    ),
    "keys list": (
        "keys:list_keys",
        """List API keys.

For example:

    turnpike keys list
    turnpike keys list --all --json
""",
    ),
    "keys revoke": (
        "keys:revoke",
        """Make an API key unknown, within a second, for good.

For example:

    turnpike keys revoke ci
""",
    ),
    "keys rotate": (
        "keys:rotate",
        """Replace an API key; the old one works on for a grace period.

For example:

    turnpike keys rotate ci --grace 12h
""",
    ),
    "limits set": (
        "limits:set_limit",
        """Set a limit, or change it.

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
    "policies set": (
        "policies:set_policy",
        """Make a policy, or replace the one of that name.

For all that a policy can say see docs/guards.md; it is set as JSON with --file.

For example:

    turnpike policies set house --pii mask --injection flag
    turnpike policies set support --pii restore --department ID
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
    "providers add": (
        "providers:add",
        """Register a provider and its models.

Lists may be repeated or separated by commas.

For example:

    turnpike providers add openai
    turnpike providers add anthropic --api-key - < key.txt
    turnpike providers add mistral --model mistral-small-latest
    turnpike providers add openai --model 'gpt-*' --name "OpenAI, chat only"
    turnpike providers add vllm --allow-address 10.0.0.0/8 \\
        --base-url https://10.0.0.5:8000/v1
    turnpike providers add cloudflare --set account_id=0123...
    turnpike providers add openai_compatible --name example \\
        --base-url https://api.example.com/v2 --auth-header api-key \\
        --auth-prefix '' --quirk max_tokens
""",
    ),
    "providers vendors": (
        "vendors:list_vendors",
        """List the vendors that can be added, and what each needs.

For example:

    turnpike providers vendors --json
""",
    ),
    "providers change": (
        "vendors:change",
        """Change a provider; what is not named stays.

For example:

    turnpike providers change cloudflare --set account_id=0123...
    turnpike providers change example --quirk no_user --no-active
""",
    ),
    "providers list": (
        "providers:list_providers",
        """List providers.

For example:

    turnpike providers list --json
""",
    ),
    "providers test": (
        "providers:check",
        """Ask a provider whether address and credential work.

The exit code is 1 when they do not.

For example:

    turnpike providers test openai
""",
    ),
    "providers health": (
        "resilience:health",
        """Show how providers fare: active checks, breakers, rests, limits.

Active checks are switched on with `providers change NAME --health-check 30`.

For example:

    turnpike providers health
    turnpike providers health openai --json
""",
    ),
    "resilience show": (
        "resilience:show",
        """Show retries, breakers, limits, queue and shedding.

For example:

    turnpike resilience show
""",
    ),
    "resilience set": (
        "resilience:change",
        """Change some of them: NAME=VALUE; NAME=default takes the default again.

For example:

    turnpike resilience set hang_timeout_s=15 retry_share=0.1
    turnpike resilience set 'tier_weights={"free": 1, "pro": 5, "gold": 50}'
""",
    ),
    "providers set-key": (
        "providers:set_key",
        """Give a provider another credential, at work within a second.

For example:

    turnpike providers set-key openai --api-key - < key.txt
""",
    ),
    "providers sync-models": (
        "providers:sync_models",
        """Read a provider's list of models into the catalog.

New ones are added; what was changed by hand stays.

For example:

    turnpike providers sync-models ollama
""",
    ),
    "providers remove": (
        "providers:remove",
        """Take a provider away, with its models and credentials.

The ledger keeps what was called there. Asks first, on a terminal.

For example:

    turnpike providers remove simulator
    turnpike providers remove old --yes
""",
    ),
    "budgets set": (
        "budgets:set_budget",
        """Set a budget, or change the amount of the one that there is.

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
    "models list": (
        "models:list_models",
        """List models.

For example:

    turnpike models list
    turnpike models list --provider openai --capability chat
""",
    ),
    "models price": (
        "prices:price",
        """Show what a model costs, or set a price of your own.

Every shape of a price can be said; docs/ledger.md has the fields and their units.

For example:

    turnpike models price gpt-4o
    turnpike models price my-model --set '{"input": 1.25, "output": 10, "cache_read": 0.125}'
    turnpike models price painter --set '{"image": {"1024x1024": 0.04, "1024x1024/hd": 0.08}}'
    turnpike models price my-model --reset
""",
    ),
    "models alias": (
        "models:alias",
        """Give a model another name, or say what replaces a retired one.

Setting an alias that is there already changes it.

For example:

    turnpike models alias default gpt-4o
    turnpike models alias fast groq/llama-3.3-70b-versatile
    turnpike models alias old-model gpt-4o --retired
""",
    ),
    "models aliases": (
        "models:list_aliases",
        """List other names of models.

For example:

    turnpike models aliases
""",
    ),
    "models unalias": (
        "models:remove_alias",
        """Take another name away.

For example:

    turnpike models unalias default
""",
    ),
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

For example:

    turnpike users deactivate ada@example.com
""",
    ),
    "users activate": (
        "users:activate",
        """Let a person in again.

Keys work again; sessions that ended stay so.

For example:

    turnpike users activate ada@example.com
""",
    ),
    "users set-role": (
        "users:set_role",
        """Give a person another role, at work within a second.

For example:

    turnpike users set-role ada@example.com admin
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
    "db upgrade": (
        "database:upgrade",
        """Bring the database to this release's tables.

A server does this by itself when it starts. The command is for those who
migrate before they start the first server of a new release, and for a
database that several machines share.

For example:

    turnpike db upgrade
""",
    ),
    "secrets rotate": (
        "secrets:rotate",
        """Encrypt every stored secret anew with a new key.

The new key is made in the data folder's secrets.json and put first; the old
ones stay behind it, so that a backup can still be read, until
--forget-old-keys. Where TURNPIKE_SECRET_KEYS is set, put the new key first
there, restart, and run this. It may be repeated, and goes on where it was
stopped.

For example:

    turnpike secrets rotate
    turnpike secrets rotate --forget-old-keys
""",
    ),
    "doctor": (
        "doctor:doctor",
        """Say what is wrong with an installation, and how to mend it.

It mends nothing by itself. The exit code is 1 when something is wrong.

For example:

    turnpike doctor
    turnpike doctor --data-dir /var/lib/turnpike --json
""",
    ),
    "version": (
        "version:version",
        """Say which release this is.

For example:

    turnpike version --json
""",
    ),
}
