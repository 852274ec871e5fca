"""What it costs, on the command line."""
