"""Dead letters by command line: read them, try them, send them again, discard them."""
