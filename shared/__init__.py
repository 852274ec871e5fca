"""The house: what all functions are made of."""

from shared.platform.memory import collect_rarely

# Before anything else is imported: what imports make stays, and to walk through it over and over
# takes a sixth of their time.
collect_rarely()
