"""Who may do what, with whose data: permissions, roles, and the one function that decides. Pure: no database, no web.

A permission is held at a reach: `own_data`, `department_data` or `all_data`. A role is a set of permissions at
reaches. `policy.decide` turns (who, permission, whose object) into yes or no and a `Scope`; nothing else makes scopes,
and no query on what belongs to somebody works without one (turnpike.control.db.scoped).

To put a new route under it:

1. If no permission of `permissions.Permission` fits, append one (never insert: bits are stored), with its line in
   `WORDS`, and give it to roles in `roles.py`.
2. Declare it: `actor: Annotated[Principal, Depends(May(Permission.VIEW_KEYS))]`. A route without a permission fails
   tests/integration/rights/test_routes.py.
3. Hand `actor.scope` to the query: `select_within(actor.scope, ApiKey)`, or
   `get_within(session, actor.scope, ApiKey, id)`. For a new table that belongs to people or departments add one line
   to `OWNERS` in `db/scoped.py`.
4. What the gateway asks for itself (uniqueness, background work) says why: `everything("names are unique")`.
5. Before giving rights away: `policy.covers`, or `identity.check_rank_of(session, actor, role, what)`.
"""
