"""A page for each order: the token that opens it, and the language that its customer reads."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0021"
down_revision = "0020"

# Old code writes neither: its orders get a token when somebody asks for their link.
COLUMNS = """
ALTER TABLE orders
    ADD COLUMN IF NOT EXISTS tracking_token text,  -- whoever has it may see how far the order is
    ADD COLUMN IF NOT EXISTS language       text;  -- BCP 47; NULL: the channel did not say
"""
INDEX = """
CREATE UNIQUE INDEX orders_by_tracking_token ON orders (tracking_token)
    WHERE tracking_token IS NOT NULL;
"""


def upgrade() -> None:
    """Add the columns, let go of their lock, and make the index."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(COLUMNS)
    indexes.create(INDEX)
