"""AfterShip's trackings."""

from shared.platform.signatures import Hmac
from shared.tracking.vendors.aftership.payloads import read_event
from shared.tracking.vendors.aftership.statuses import STATUSES
from shared.tracking.vendors.vendor import Vendor

# Not `as-signature-hmac-sha256`: with that header requests to the vendor's API are signed.
AFTERSHIP = Vendor(Hmac("aftership-hmac-sha256", encoding="base64"), STATUSES, read_event)
