"""The outside world, ignorant of what Dispatch is for."""
