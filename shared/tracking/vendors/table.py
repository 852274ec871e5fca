"""The vendors that we know by ourselves. A new one is a folder beside this file, and a line here.

The name is the path of its webhook (`tracking_webhook/NAME`), the vendor of what it sent, and the
middle of its settings: `DISPATCH_NAME_WEBHOOK_SECRET` or `DISPATCH_NAME_WEBHOOK_KEYS_URL`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from shared.tracking.vendors.aftership import AFTERSHIP
from shared.tracking.vendors.easypost import EASYPOST
from shared.tracking.vendors.seventeen_track import SEVENTEEN_TRACK
from shared.tracking.vendors.shipengine import SHIPENGINE
from shared.tracking.vendors.shippo import SHIPPO
from shared.tracking.vendors.vendor import Vendor

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "easypost": EASYPOST,
        "shippo": SHIPPO,
        "aftership": AFTERSHIP,
        "17track": SEVENTEEN_TRACK,
        "shipengine": SHIPENGINE,
    }
)
