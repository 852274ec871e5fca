"""The seeded simulation: the real flows in virtual time, with a fault at any step."""
