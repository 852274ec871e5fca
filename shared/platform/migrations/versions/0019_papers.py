"""Papers: labels whose documents are kept, and manifests that close a carrier's day."""

from alembic import op

revision = "0019"
down_revision = "0018"

MANIFESTS = """
CREATE TABLE manifests (
    manifest_id         text PRIMARY KEY,  -- also the idempotency key towards the vendor
    carrier             text        NOT NULL,
    warehouse           text        NOT NULL REFERENCES warehouses,
    ship_on             date        NOT NULL,
    number              integer     NOT NULL CHECK (number >= 1),  -- of its day
    state               text        NOT NULL CHECK (
        state IN ('requested', 'closed', 'refused', 'dropped')),
    requested_at        timestamptz NOT NULL,
    leased_until        timestamptz,  -- one closes it at a time; the vendor promises no such thing
    ended_at            timestamptz,
    refused_for         text,
    vendor_manifest_id  text,
    document_key        text,
    UNIQUE (carrier, warehouse, ship_on, number),
    CONSTRAINT ended_when_not_requested CHECK ((state = 'requested') = (ended_at IS NULL)),
    CONSTRAINT complete_when_closed CHECK (
        (state = 'closed') = (vendor_manifest_id IS NOT NULL AND document_key IS NOT NULL)),
    CONSTRAINT reason_when_refused CHECK ((state = 'refused') = (refused_for IS NOT NULL))
);
CREATE INDEX manifests_by_day ON manifests (ship_on, warehouse, carrier);
"""
# Old code writes neither column. Where it voids a label that is on a manifest, the label stays on
# it, and the auditor says so.
LABELS = """
ALTER TABLE labels
    ADD COLUMN document_key  text,  -- NULL: not kept yet
    ADD COLUMN manifest_id   text REFERENCES manifests,  -- one at most
    ADD CONSTRAINT only_bought_labels_on_manifests CHECK (
        manifest_id IS NULL OR bought_at IS NOT NULL) NOT VALID;
CREATE INDEX labels_by_manifest ON labels (manifest_id) WHERE manifest_id IS NOT NULL;
-- Labels come in the order of their time, so that a few bytes for each stretch of them are enough.
CREATE INDEX labels_by_time ON labels USING brin (bought_at);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (MANIFESTS, LABELS):
        op.execute(part)
