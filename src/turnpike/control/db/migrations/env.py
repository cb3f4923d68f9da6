"""Run by Alembic. The connection comes from turnpike.control.db.migrate, or from a developer's `alembic revision`."""

from alembic import context

from turnpike.control.db.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
