"""Rate cards on the command line."""
