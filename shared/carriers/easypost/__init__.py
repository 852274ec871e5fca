"""EasyPost, which resells the labels of many carriers."""

from shared.carriers.easypost.adapter import EasyPost

__all__ = ["EasyPost"]
