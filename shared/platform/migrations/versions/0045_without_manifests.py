"""Of which carriers a vendor makes no manifests: they are not asked for."""

from alembic import op

revision = "0045"
down_revision = "0044"

# Of a vendor that is not among them manifests are asked for, as they were of all before. What is
# known of a vendor stays while another one sells the labels, for its own are still to be closed.
ACCOUNTS = """
ALTER TABLE carrier_accounts
    ADD COLUMN without_manifests text[] NOT NULL DEFAULT '{}';  -- vendors that make none of it
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(ACCOUNTS)
