"""Shipments: parcels and what is in them."""
