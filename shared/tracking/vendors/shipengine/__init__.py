"""Tracking events of ShipEngine, which is ShipStation's API today."""

from shared.platform.signatures import RsaSha256
from shared.tracking.vendors.shipengine.payloads import read_event
from shared.tracking.vendors.shipengine.statuses import STATUSES
from shared.tracking.vendors.vendor import Vendor

SHIPENGINE = Vendor(
    RsaSha256(
        header="x-shipengine-rsa-sha256-signature",
        key_id_header="x-shipengine-rsa-sha256-key-id",
        moment_header="x-shipengine-timestamp",
    ),
    STATUSES,
    read_event,
)
