"""Deciding about an order by hand, by command line."""
