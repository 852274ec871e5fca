"""Shippo, which resells the labels of many carriers."""

from shared.carriers.shippo.adapter import Shippo

__all__ = ["Shippo"]
