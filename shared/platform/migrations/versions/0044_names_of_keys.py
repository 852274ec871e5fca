"""The name of a machine's key is its own for as long as the key is live."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0044"
down_revision = "0043"

# Of those that share a name the one that is good for longest keeps it, and the others go on under
# one that tells them apart: nobody's machine stops.
SHARED = """
UPDATE api_keys SET name = left(name, 150) || ' ' || key_id
 WHERE revoked_at IS NULL
   AND EXISTS (SELECT FROM api_keys AS longer
                WHERE longer.name = api_keys.name AND longer.revoked_at IS NULL
                  AND (longer.expires_at, longer.key_id) > (api_keys.expires_at, api_keys.key_id));
"""
INDEX = """
CREATE UNIQUE INDEX api_keys_live_names ON api_keys (name) WHERE revoked_at IS NULL;
"""


def upgrade() -> None:
    """Refuse a name that is taken, which old code does not expect and hardly ever meets."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(SHARED)
    indexes.create(INDEX)
