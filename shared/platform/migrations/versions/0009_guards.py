"""A step whose guard does not hold says so itself, because its commit travels with it."""

from alembic import op

revision = "0009"
down_revision = "0008"

# 40001 is serialization_failure: another was faster, and running anew is the documented answer.
AS_GUARDED = """
CREATE FUNCTION as_guarded(touched bigint[], guarded bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    FOR position IN 1 .. cardinality(guarded) LOOP
        IF touched[position] <> guarded[position] THEN
            RAISE EXCEPTION 'a guard did not hold' USING ERRCODE = '40001',
                DETAIL = format('change %s touched %s rows instead of %s', position,
                                touched[position], guarded[position]);
        END IF;
    END LOOP;
    RETURN true;
END $$;
"""


def upgrade() -> None:
    """Add the function."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(AS_GUARDED)
