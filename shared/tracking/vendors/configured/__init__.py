"""Vendors that no code knows: a setting says how they sign and where their fields lie."""

from shared.tracking.vendors.configured.settings import configured

__all__ = ["configured"]
