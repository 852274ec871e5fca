"""Inbound: what is on its way to a warehouse, and what may be told of it to those who wait."""
