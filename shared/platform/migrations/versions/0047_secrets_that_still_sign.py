"""More than one secret of before may still sign: each as long as was said when it was replaced."""

from alembic import op

revision = "0047"
down_revision = "0046"

# previous_key_id and previous_until stay what old code knows: the secret right before the current
# one. Old code that rotates leaves out one of those in between, while both run.
SUBSCRIBERS = """
ALTER TABLE webhook_subscribers
    -- Those before that one, the newest first: {"version", "key_id", "until"} each.
    ADD COLUMN older_secrets jsonb NOT NULL DEFAULT '[]';
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(SUBSCRIBERS)
