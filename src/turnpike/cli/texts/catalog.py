"""Keys, providers, models and what is known of how they fare."""

COMMANDS: dict[str, tuple[str, str]] = {
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
    turnpike resilience set default_strategy=ewma
    turnpike resilience set 'tier_weights={"free": 1, "pro": 5, "gold": 50}'
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
    "models change": (
        "models:change",
        """Change how a model at a provider is used.

For example:

    turnpike models change gpt-4o --provider azure --weight 3 --region eu-west-1
    turnpike models change llama --provider vllm --max-in-flight 8
    turnpike models change llama --provider vllm --no-active
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
}
