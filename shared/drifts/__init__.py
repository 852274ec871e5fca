"""Drifts: where the books of the stock contradict each other, and what becomes of it."""
