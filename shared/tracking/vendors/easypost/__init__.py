"""EasyPost's trackers."""

from shared.platform.signatures import Hmac
from shared.tracking.vendors.easypost.payloads import read_event
from shared.tracking.vendors.easypost.statuses import STATUSES
from shared.tracking.vendors.vendor import Vendor

EASYPOST = Vendor(Hmac("X-Hmac-Signature", prefix="hmac-sha256-hex="), STATUSES, read_event)
