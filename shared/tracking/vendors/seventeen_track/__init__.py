"""17TRACK's trackings."""

from shared.platform.signatures import HashWithKey
from shared.tracking.vendors.seventeen_track.payloads import read_event
from shared.tracking.vendors.seventeen_track.statuses import STATUSES
from shared.tracking.vendors.vendor import Vendor

SEVENTEEN_TRACK = Vendor(HashWithKey("sign"), STATUSES, read_event)
