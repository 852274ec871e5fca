"""Live updates: whoever has a page before them is told at once when it is no longer so.

They are told in which of their rooms something changed, and look it up: so nothing travels that
they might not see, and what comes twice does no harm.
"""
