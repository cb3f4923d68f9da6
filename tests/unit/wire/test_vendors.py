"""The registries: every vendor's facts hold together, every dialect is whole, base URLs are brought to one form."""

import ast
import inspect
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from genai_prices.data_snapshot import get_snapshot

import turnpike.wire.dialects
import turnpike.wire.vendors
from turnpike.contract import snapshot
from turnpike.errors import InvalidRequest
from turnpike.wire import vendor as vendor_module
from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.operations import ENDPOINTS, Operation
from turnpike.wire.parameters import placeholders
from turnpike.wire.profiles import quirks
from turnpike.wire.vendor import Vendor
from turnpike.wire.vendors import VENDORS, normalise_base_url

EVERY = pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS.keys())
VENDOR_FILES = Path(turnpike.wire.vendors.__file__).parent
DIALECT_FOLDERS = Path(turnpike.wire.dialects.__file__).parent
NO_DIALECTS = {"common", "models", "__pycache__"}


@EVERY
def test_a_vendors_facts_hold_together(vendor: Vendor) -> None:
    assert vendor.quirks <= quirks.ALL
    assert vendor.base_url is None or vendor.base_url.startswith(("https://", "http://127.0.0.1:"))
    assert vendor.base_url is None or not vendor.base_url.endswith("/")
    assert not vendor.base_url or "{" in vendor.base_url or urlsplit(vendor.base_url).hostname
    for operation, specs in vendor.operations.items():
        assert specs
        for spec in specs:
            assert DIALECTS[spec.dialect].operation is operation
            assert spec.path.startswith("/")
    assert len({spec.dialect for specs in vendor.operations.values() for spec in specs}) == sum(
        len(specs) for specs in vendor.operations.values()
    )
    assert bool(vendor.loopback_ports) == bool(vendor.probe_path)
    assert vendor.needs_credential == (bool(vendor.env_keys) and not vendor.loopback_ports)


OWN_SERVERS = {"openai_compatible", "simulator"}


@EVERY
def test_a_vendor_names_its_reference_and_its_site(vendor: Vendor) -> None:
    for address in (vendor.reference, vendor.website):
        assert (
            urlsplit(address).scheme == "https"
            or (vendor.name in OWN_SERVERS and not address)
            or (vendor.name == "openai_compatible" and address.startswith("https://"))
        )
    assert vendor.exercised in ("recorded", "simulated", "documented")


@EVERY
def test_a_vendors_placeholders_are_its_parameters(vendor: Vendor) -> None:
    texts = [vendor.base_url or "", vendor.models_path or "", vendor.credential_path or "", *vendor.headers.values()]
    for specs in vendor.operations.values():
        texts += (text for spec in specs for text in (spec.path, spec.stream_path or ""))
    found = {name for text in texts for name in placeholders(text)} - {"model"}
    names = [parameter.name for parameter in vendor.parameters]
    derived = [each for parameter in vendor.parameters for each in parameter.derived]
    texts = [vendor.auth.region, vendor.auth.token_url, *(text for each in derived for _, text in each.cases)]
    found |= {name for text in texts for name in placeholders(text)}
    found -= {each.name for each in derived} | {parameter.name for parameter in vendor.parameters if parameter.secret}
    assert found | {parameter.name for parameter in vendor.parameters if parameter.derived} == {
        parameter.name for parameter in vendor.parameters if not parameter.secret
    }
    assert len(names) == len(set(names))
    for parameter in vendor.parameters:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", parameter.name)
        assert parameter.name != "model"
        assert parameter.label
        if parameter.default:
            assert re.fullmatch(parameter.pattern, parameter.default)
        if parameter.example:
            assert re.fullmatch(parameter.pattern, parameter.example)


@EVERY
def test_a_vendors_display_name_is_its_own(vendor: Vendor) -> None:
    assert [other.display_name for other in VENDORS.values()].count(vendor.display_name) == 1


def test_every_vendor_that_people_ask_for_is_there() -> None:
    assert len(VENDORS) >= 45


def test_every_quirk_is_some_vendors() -> None:
    assert {quirk for vendor in VENDORS.values() for quirk in vendor.quirks} == quirks.ALL


@EVERY
def test_a_vendors_prices_are_known_by_that_name(vendor: Vendor) -> None:
    known = {provider.id for provider in get_snapshot().providers}
    assert vendor.price_provider is None or vendor.price_provider in known


def test_no_credentials_variable_belongs_to_two_vendors() -> None:
    names = [name for vendor in VENDORS.values() for name in vendor.env_keys]
    assert len(names) == len(set(names))
    assert {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY", "GROQ_API_KEY"} <= set(names)


def test_servers_on_ones_own_machine_are_told_apart() -> None:
    """Those that share a port are asked at different paths, or for different words."""
    probes = [
        (port, vendor.probe_path, vendor.probe_contains)
        for vendor in VENDORS.values()
        for port in vendor.loopback_ports
    ]
    assert len(probes) == len(set(probes))
    assert {port for port, _, _ in probes} == {1234, 8000, 8080, 9997, 11434, 30000}


def test_every_vendor_file_is_registered_and_small() -> None:
    files = {path.stem: path for path in VENDOR_FILES.glob("*.py") if path.stem not in ("__init__", "base_url")}
    assert set(files) == set(VENDORS)
    for name, path in files.items():
        # A cloud speaks several dialects, and has addresses and credentials with parts.
        limit = 50 if VENDORS[name].auth.kind == "header" else 80
        assert len(path.read_text().splitlines()) <= limit, name


def test_every_dialect_folder_is_registered() -> None:
    folders = {path.name for path in DIALECT_FOLDERS.iterdir() if path.is_dir()} - NO_DIALECTS
    assert folders == {type(dialect).__module__.split(".")[3] for dialect in DIALECTS.values()}


@pytest.mark.parametrize("name", list(DIALECTS))
def test_a_dialect_fills_the_whole_interface(name: str) -> None:
    dialect = DIALECTS[name]
    assert dialect.name == name
    wanted = [member for member, _ in inspect.getmembers(Dialect) if not member.startswith("_")]
    assert len(wanted) > 12
    for member in wanted:
        assert callable(getattr(dialect, member)) or member in ("name", "operation")


def test_every_endpoint_has_a_dialect_of_its_operation() -> None:
    for endpoint in ENDPOINTS:
        assert endpoint.dialect in DIALECTS
        if endpoint.operation is not Operation.LIST_MODELS:
            assert DIALECTS[endpoint.dialect].operation is endpoint.operation


def test_the_contract_speaks_of_the_same_types() -> None:
    assert snapshot.AuthSpec is vendor_module.AuthSpec
    assert snapshot.OperationSpec is vendor_module.OperationSpec


def test_a_dialect_never_asks_who_the_vendor_is() -> None:
    for path in DIALECT_FOLDERS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.module.startswith("turnpike.wire.vendor"), path


# ---- base URLs


@EVERY
def test_a_vendors_own_base_url_stays_as_it_is(vendor: Vendor) -> None:
    if vendor.base_url is not None:
        assert normalise_base_url(vendor, vendor.base_url) == vendor.base_url
        assert normalise_base_url(vendor, f"  {vendor.base_url}/ ") == vendor.base_url


@pytest.mark.parametrize(
    ("name", "typed", "base_url"),
    [
        ("openai", "https://api.openai.com", "https://api.openai.com/v1"),
        ("openai", "HTTPS://API.OpenAI.com:443/v1/", "https://api.openai.com:443/v1"),
        ("openai", "https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("openai", "https://proxy.test/openai/v2", "https://proxy.test/openai/v2"),
        ("anthropic", "https://api.anthropic.com/v1", "https://api.anthropic.com"),
        ("anthropic", "https://api.anthropic.com/v1/messages", "https://api.anthropic.com"),
        ("anthropic", "https://proxy.test/claude/", "https://proxy.test/claude"),
        ("deepseek", "https://api.deepseek.com/v1", "https://api.deepseek.com"),
        ("zai", "https://api.z.ai/api/paas/v4", "https://api.z.ai/api"),
        ("zai", "https://api.z.ai", "https://api.z.ai/api"),
        ("zai", "https://api.z.ai/api/anthropic/v1/messages", "https://api.z.ai/api"),
        ("moonshot", "https://api.moonshot.cn/v1/", "https://api.moonshot.cn"),
        ("deepinfra", "https://proxy.test/di/v1/openai", "https://proxy.test/di"),
        ("groq", "https://api.groq.com", "https://api.groq.com/openai/v1"),
        ("ollama", "http://box:11434", "http://box:11434/v1"),
        ("openai_compatible", "http://[::1]:9000", "http://[::1]:9000/v1"),
        ("openai_compatible", "http://box:9000/api", "http://box:9000/api"),
        ("simulator", "http://127.0.0.1:9999/", "http://127.0.0.1:9999/v1"),
    ],
)
def test_what_a_person_types_is_brought_to_the_vendors_form(name: str, typed: str, base_url: str) -> None:
    assert normalise_base_url(VENDORS[name], typed) == base_url


@pytest.mark.parametrize(
    "typed",
    [
        "", "api.openai.com", "ftp://x", "https://", "https://u:p@x.test/v1", "https://x.test?key=1", "https://x.test/#a",
        "https://x.test:99999/v1", "https://[::1",
    ],
)  # fmt: skip
def test_what_is_no_base_url_is_refused(typed: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^The base URL") as caught:
        normalise_base_url(VENDORS["openai"], typed)
    assert caught.value.details == {"param": "base_url"}
    assert "u:p" not in caught.value.message
