"""How the way of an order is told."""
