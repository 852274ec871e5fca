"""Carriers on the command line."""
