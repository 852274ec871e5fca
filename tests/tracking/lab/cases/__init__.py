"""A case for each vendor of the lab."""
