"""`policies`: what shops want of their placements."""
