"""API keys, tokens and private keys: the forms of well-known issuers, and strings too random to be words.

Forms are the issuers' published prefixes and lengths. A random string counts only behind a word that says that it is
secret (`api_key=...`, `Authorization: Bearer ...`): ids, hashes and base64 are random too, and are everywhere.
"""

import re
from collections import Counter
from math import log2

from turnpike.wire.guards.engine import Detector

_FORMS = (
    r"sk-ant-[A-Za-z0-9_\-]{20,}",  # Anthropic
    r"sk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_\-]{20,}",  # OpenAI, OpenRouter and those who follow
    r"tp-[A-Za-z0-9_\-]{24,}",  # this gateway's own
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",  # Amazon
    r"AIza[A-Za-z0-9_\-]{35}",  # Google
    r"ya29\.[A-Za-z0-9_\-]{20,}",
    r"gh[pousr]_[A-Za-z0-9]{36,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{50,}",
    r"glpat-[A-Za-z0-9_\-]{20,}",  # GitLab
    r"xox[abeoprs]-[A-Za-z0-9\-]{10,}",  # Slack
    r"hooks\.slack\.com/services/[A-Za-z0-9/]{30,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{20,}",
    r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}",  # SendGrid
    r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"gsk_[A-Za-z0-9]{40,}",  # Groq
    r"xai-[A-Za-z0-9]{40,}",
    r"r8_[A-Za-z0-9]{30,}",  # Replicate
    r"pplx-[A-Za-z0-9]{40,}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[A-Za-z0-9_\-]{50,}",
    r"dop_v1_[a-f0-9]{64}",  # DigitalOcean
    r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",  # Shopify
    r"(?:AC|SK)[a-f0-9]{32}",  # Twilio
    r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}",  # Telegram
    r"dapi[a-f0-9]{32}",  # Databricks
    r"AccountKey=[A-Za-z0-9+/]{80,}={0,2}",  # Azure Storage
    r"ATATT3[A-Za-z0-9_\-=]{50,}",  # Atlassian
    r"lin_api_[A-Za-z0-9]{40}",
    r"eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}",  # a JSON Web Token
)
_PRIVATE_KEY = r"-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----"
_NAMED = (
    r"(?i)(?:api[_\-. ]?key|secret[_\-. ]?key|access[_\-. ]?key|client[_\-. ]?secret|auth[_\-. ]?token|access[_\-. ]?token"
    r"|secret|token|passw(?:or)?d|bearer|credential)[\"'`]{0,2}\s{0,3}(?:[:=]|=>|\bis\b|)\s{0,3}[\"'`]{0,2}"
    r"([A-Za-z0-9+/_\-.~!@#$%^&*]{12,}={0,2})"
)
_IN_URL = r"[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s/:@]{1,64}:([^\s/@]{3,}?)@"
_LEAST_BITS = 3.0
"""Shannon's entropy a character; English words have about 2.5 at such lengths, random base64 4 and more."""


def entropy_bits(value: bytes) -> float:
    """Per character, by its own frequencies."""
    size = len(value)
    return -sum(count / size * log2(count / size) for count in Counter(value).values())


def _is_random(value: bytes) -> int:
    """Letters and digits mixed, and too little repetition for words."""
    value = value.rstrip(b".,;!?")
    kinds = (
        any(48 <= each <= 57 for each in value),
        any(65 <= each <= 90 for each in value),
        any(97 <= each <= 122 for each in value),
        any(each in b"!@#$%^&*~" for each in value),
    )
    return len(value) if len(value) >= 12 and sum(kinds) >= 2 and kinds[0] and entropy_bits(value) >= _LEAST_BITS else 0


def _is_form(value: bytes) -> int:
    """`sk-` begins words, too: there must be a digit, or letters of both cases."""
    mixed = value.lower() != value and value.upper() != value
    return len(value) if mixed or any(48 <= each <= 57 for each in value) else 0


def credential_detectors() -> tuple[Detector, ...]:
    letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
    # A key's base64 goes on over its lines, which may be written with `\\n`, up to its end mark.
    body = letters + b"+/=\r\n\\"
    return (
        Detector("credential", _PRIVATE_KEY, needs=re.compile(rb"PRIVATE KEY").search, goes_on=body),
        Detector("credential", "|".join(_FORMS), _is_form, before=letters, goes_on=letters + b"-+/="),
        Detector("credential", _NAMED, _is_random, group=1),
        Detector("credential", _IN_URL, group=1, needs=re.compile(rb"://[^\s/]+@").search),
    )
