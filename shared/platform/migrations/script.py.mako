"""${message}"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Running code of the previous release must not notice, or `phase = "contract"` is set above."""
    op.execute("SET LOCAL lock_timeout = '3s'")
