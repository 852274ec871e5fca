"""Decisions by command line: why an order went where it went, and whether it would again."""
