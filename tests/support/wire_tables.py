"""The tables of docs/dialects.md and docs/providers.md, made from the code.

`python -m tests.support.wire_tables` writes them anew; a test holds the documents to them.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from turnpike.wire.dialects.anthropic_messages import request_read as anthropic_request
from turnpike.wire.dialects.anthropic_messages import response as anthropic_response
from turnpike.wire.dialects.anthropic_messages.error import TYPES
from turnpike.wire.dialects.gemini import request_read as gemini_request
from turnpike.wire.dialects.gemini import response as gemini_response
from turnpike.wire.dialects.gemini.error import WORDS
from turnpike.wire.dialects.openai_chat import request_read as openai_request
from turnpike.wire.dialects.openai_chat import response as openai_response
from turnpike.wire.profiles import quirks
from turnpike.wire.profiles.reasoning import BUDGETS
from turnpike.wire.types.conversation import StopReason
from turnpike.wire.vendor import BEARER, Vendor
from turnpike.wire.vendors import VENDORS

DOCS = Path(__file__).parents[2] / "docs"
_MARKED = re.compile(r"<!-- table: (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def vendors() -> str:
    rows = [
        (
            f"`{vendor.name}`",
            f"[{vendor.display_name}]({vendor.reference})" if vendor.reference else vendor.display_name,
            f"`{vendor.base_url}`" if vendor.base_url else "yours",
            _auth(vendor),
            _operations(vendor),
            _code(parameter.name for parameter in vendor.parameters) or "-",
            vendor.exercised,
        )
        for vendor in VENDORS.values()
    ]
    head = ("name", "vendor and reference", "base URL", "credential", "operations", "parameters", "exercised")
    return _table(head, rows)


def _auth(vendor: Vendor) -> str:
    carried = f"`{vendor.auth.header}`" if vendor.auth.header else "none"
    if vendor.auth == BEARER:
        carried = "bearer"
    if not vendor.needs_credential:
        carried = f"{carried}, if any"
    return f"{carried}; {_code(vendor.env_keys)}" if vendor.env_keys else carried


def _operations(vendor: Vendor) -> str:
    said = [f"{operation}: {_code(spec.dialect for spec in specs)}" for operation, specs in vendor.operations.items()]
    return "; ".join(said) or "its own API, passed through"


def ports() -> str:
    rows = [
        (str(port), vendor.display_name, f"`{vendor.probe_path}`")
        for vendor in VENDORS.values()
        for port in vendor.loopback_ports
    ]
    return _table(("port", "server", "known by its answer at"), sorted(rows))


def quirk_table() -> str:
    source = Path(quirks.__file__).read_text()
    found = re.findall(r'^[A-Z_]+ = "(\w+)"\n"""(.*?)"""', source, re.DOTALL | re.MULTILINE)
    used = {name: [f"`{v.name}`" for v in VENDORS.values() if name in v.quirks] for name, _ in found}
    rows = [(f"`{name}`", " ".join(text.split()), ", ".join(used[name]) or "-") for name, text in found]
    return _table(("quirk", "the provider", "of"), rows)


def dropped() -> str:
    rows = [
        (f"`{field}`", dialect, why)
        for dialect, fields in (
            ("OpenAI", openai_request.DROPPED),
            ("Anthropic", anthropic_request.DROPPED),
            ("Gemini", gemini_request.DROPPED),
        )
        for field, why in fields.items()
    ]
    return _table(("field", "said by", "why it may be left out"), rows)


def stops() -> str:
    rows = [
        (
            f"`{stop}`",
            *(f"`{each.WRITE_STOP[stop]}`" for each in (openai_response, anthropic_response, gemini_response)),
        )
        for stop in StopReason
    ]
    return _table(("canonical", "`openai_chat`", "`anthropic_messages`", "`gemini`"), rows)


def budgets() -> str:
    return _table(("effort", "tokens"), ((f"`{effort}`", f"{tokens:,}") for effort, tokens in BUDGETS.items()))


def errors() -> str:
    rows = (
        (str(status), *(f"`{words[status]}`" if status in words else "-" for words in (TYPES, WORDS)))
        for status in sorted({*TYPES, *WORDS})
    )
    return _table(("status", "Anthropic's type", "Google's status"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "vendors": vendors,
    "ports": ports,
    "quirks": quirk_table,
    "dropped": dropped,
    "stops": stops,
    "budgets": budgets,
    "errors": errors,
}


def renewed(text: str) -> str:
    return _MARKED.sub(lambda match: f"<!-- table: {match[1]} -->\n{TABLES[match[1]]()}\n<!-- end -->", text)


def main() -> None:
    for name in ("dialects.md", "providers.md"):
        path = DOCS / name
        path.write_text(renewed(path.read_text()))


if __name__ == "__main__":
    main()
