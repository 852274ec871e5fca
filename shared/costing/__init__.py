"""Costing: rate cards, and what a parcel and an order cost."""
