"""What a vendor is to us: how it signs, what its words mean, and how its messages are read."""

from collections.abc import Callable
from typing import NamedTuple

from shared.platform.signatures import Scheme
from shared.tracking.statuses import StatusTable
from shared.tracking.types import TrackingReport


class Vendor(NamedTuple):
    """One vendor.

    `read` takes a webhook's raw body. It raises Malformed for one that cannot be used, and gives
    None for one about something else.
    """

    scheme: Scheme
    statuses: StatusTable
    read: Callable[[bytes], TrackingReport | None]
