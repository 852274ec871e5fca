"""Parcels on their way, on the command line."""
