"""Orders: what a customer wants, and how far it has come."""
