"""Shippo's tracks."""

from shared.platform.signatures import StampedHmac
from shared.tracking.vendors.shippo.payloads import read_event
from shared.tracking.vendors.shippo.statuses import STATUSES
from shared.tracking.vendors.vendor import Vendor

SHIPPO = Vendor(StampedHmac("Shippo-Auth-Signature"), STATUSES, read_event)
