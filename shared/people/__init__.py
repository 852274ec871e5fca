"""People and machines: who they are, what they may do, and what they did."""
