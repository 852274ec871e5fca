"""EasyPost's trackers."""

from shared.tracking.vendors.easypost.payloads import read_event

__all__ = ["read_event"]
