"""Faults on order and by chance, and the line that withstands them."""
