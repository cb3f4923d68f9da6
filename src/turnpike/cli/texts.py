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
    "models": "What callers can ask for.",
    "policies": "What may be said to models and by them.",
    "ledger": "What was called, by whom, and what it cost.",
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
