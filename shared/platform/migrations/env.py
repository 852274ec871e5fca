"""How Alembic runs our migrations: on a connection it is given, one transaction for each."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
