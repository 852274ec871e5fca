"""${message}"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Expand only; running code of the previous revision must not notice."""
    op.execute("SET LOCAL lock_timeout = '3s'")
