"""No query of a domain on what belongs to people or departments goes without a scope."""

import ast

from tests.architecture.sources import Function, functions, python_files, shown, tree_of
from turnpike.control.db.scoped import OWNERS

DOMAINS = python_files("src/turnpike/control/domains")
NAMES = {model.__name__ for model in OWNERS} | {"Invitation"}
"""An invitation has no owner yet: whoever may invite sees it by a rule of its own, and that is named below too."""
SCOPED = {"within", "select_within", "get_within", "everything", "conditions"}
"""Functions that take a scope; a query beside a call of them, or in a function with a parameter `scope`, has one."""
UNSCOPED: dict[str, str] = {
    "alerts/baselines.py:Baselines._add": "background work",
    "alerts/measures.py:_latency": "background work",
    "alerts/measures.py:_rows": "background work",
    "alerts/measures.py:_spend_of_days": "background work",
    "audit/repository.py:_query": "columns alone: who asks adds the condition",
    "audit/repository.py:after": "the whole chain, for who may verify it",
    "audit/repository.py:at": "entries of a person, as whoever may export says",
    "audit/repository.py:erase": "of a person, or of all, as whoever may erase says",
    "audit/repository.py:remove_cut": "retention, on nobody's behalf",
    "audit/repository.py:seq_before": "where the chain is cut, on nobody's behalf",
    "audit/repository.py:seqs_of_person": "of a person, as whoever may export or erase says",
    "audit/repository.py:told_of": "of a person, as whoever may export or erase says",
    "auth/issuers.py:IssuerService._for_change": "roles of whoever came by an issuer",
    "auth/local.py:LocalAccounts._linked": "whoever has the link is the person",
    "auth/local.py:LocalAccounts.login": "whoever has the password is the person",
    "auth/local.py:LocalAccounts.use_link": "whoever has the link is the person",
    "auth/oidc.py:logout_url": "the session that asks",
    "auth/people.py:_make": "whoever the issuer vouches for",
    "budgets/lender.py:Lender.lend": "what relays are lent",
    "budgets/overseer.py:Overseer._reached": "background work",
    "budgets/overseer.py:Overseer.call_back": "background work",
    "budgets/overseer.py:Overseer.raise_alerts": "background work",
    "budgets/repository.py:following": "the budget of one's own setting",
    "budgets/repository.py:of_subjects": "of the caller's own key, person and department",
    "budgets/telling.py:_concerned": "whose budget it is that is told of",
    "budgets/truth.py:active": "what relays are told",
    "catalog/own_routes.py:list_own_provider_settings": "one's own, by the caller's id",
    "catalog/repository.py:setting": "one's own, by the caller's id",
    "departments/repository.py:locked": "departments are changed by whoever manages all of them",
    "departments/repository.py:mentions": "what names a department that is to go",
    "departments/repository.py:people": "people are moved by whoever manages all departments",
    "departments/repository.py:people_of": "people are moved by whoever manages all departments",
    "departments/repository.py:sizes": "counts of departments that a scope gave",
    "departments/repository.py:with_code": "codes of departments are unique",
    "departments/repository.py:with_name": "names of departments are unique",
    "identity/leaving.py:shut_out": "of the person who leaves",
    "identity/repository.py:other_super_admins": "a count: the last one stays, whoever asks",
    "invitations/repository.py:find": "the filter says the department; the service sets it for who sees one only",
    "invitations/repository.py:get": "the service looks whether it may be seen",
    "invitations/repository.py:locked": "whoever has the link is the person, or the service looks first",
    "invitations/repository.py:open_for": "an address is invited once, whoever did it",
    "invitations/repository.py:open_with": "whoever has the link is the person",
    "keys/repository.py:_with_budgets": "of keys that a scope gave",
    "keys/repository.py:ending": "background work",
    "limits/counters.py:_of_address": "limits of addresses; the route checks the subject",
    "limits/counters.py:_of_tier": "the route checks the subject",
    "limits/counters.py:_rules": "the route checks the subject",
    "limits/service.py:rules_of_callers": "what relays are told",
    "limits/service.py:shared_rules": "what relays are told",
    "limits/tiers.py:limits_of": "limits of tiers belong to nobody",
    "limits/tiers.py:remove": "takes the tier's limits along",
    "policies/decisions.py:forget_old": "background work",
    "privacy/erasure.py:_finish": "background work",
    "privacy/erasure.py:_remove_rows": "of a person, as whoever may erase says",
    "privacy/erasure.py:_rename": "of a person, as whoever may erase says",
    "privacy/erasure.py:finish_all": "background work",
    "privacy/repository.py:ids_of": "of a person, as whoever may export or erase says",
    "privacy/repository.py:person": "of a person, as whoever may export or erase says",
    "privacy/repository.py:small_parts": "of a person, as whoever may export or erase says",
    "routes/caller.py:_of_user": "routes are explained by whoever may manage all of them",
    "routes/caller.py:find_caller": "routes are explained by whoever may manage all of them",
    "scim/groups.py:Groups._meant": "a directory brings anybody in, below its ceiling",
    "scim/mappings.py:apply": "a directory brings anybody in, below its ceiling",
}
"""`domain/file:function` of a query without a scope, and why it needs none."""


def _begins_query(node: ast.AST) -> bool:
    """`select(User)`, `select(User.id)`, `session.get(User, ...)`, `select_from(User)`, `update(User)`, `delete(User)`,
    and `select(func.count()).where(User.role == ...)`."""
    if not isinstance(node, ast.Call) or not node.args:
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in {"select", "select_from", "get", "update", "delete", "where"}:
        return False
    named = {inner.id for argument in node.args for inner in ast.walk(argument) if isinstance(inner, ast.Name)}
    return bool(named & NAMES)


def _has_scope(node: Function) -> bool:
    """A parameter of that name counts where the function does something with it."""
    arguments = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)} & {
        inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)
    }
    calls = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    called = {call.id for call in calls if isinstance(call, ast.Name)}
    return "scope" in arguments or bool(called & SCOPED)


def test_every_query_on_peoples_data_has_a_scope_or_says_why_not() -> None:
    found = {
        f"{shown(path).removeprefix('src/turnpike/control/domains/')}:{name}"
        for path in DOMAINS
        for name, node in functions(path)
        if any(_begins_query(inner) for inner in ast.walk(node)) and not _has_scope(node)
    }
    assert found - set(UNSCOPED) == set()
    assert set(UNSCOPED) - found == set()


def test_a_parameter_called_scope_is_one() -> None:
    wrong = [
        f"{shown(path)}:{name}"
        for path in DOMAINS
        for name, node in functions(path)
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if argument.arg == "scope"
        and argument.annotation is not None
        and "Scope" not in ast.unparse(argument.annotation)
    ]
    assert [each for each in wrong if "/keys/" not in each] == []


def test_nobody_but_the_policy_makes_scopes() -> None:
    made = {"OwnData", "DepartmentData", "AllData", "NoData"}
    found = [
        f"{shown(path)}:{node.lineno}"
        for path in python_files("src")
        if shown(path) != "src/turnpike/control/rights/policy.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in made
    ]
    assert found == []
