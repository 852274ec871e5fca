"""EasyPost's trackers."""

from shared.tracking.vendors.easypost.payloads import read_event, read_tracker

__all__ = ["read_event", "read_tracker"]
