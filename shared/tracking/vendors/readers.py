"""Who reads which vendor's messages."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from shared.tracking.types import TrackingReport
from shared.tracking.vendors.easypost import read_event as read_easypost

READERS: Mapping[str, Callable[[bytes], TrackingReport | None]] = MappingProxyType(
    {"easypost": read_easypost}
)
