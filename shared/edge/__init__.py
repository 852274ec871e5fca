"""Protocols in, outcomes out. Only the edge knows HTTP, acknowledgement and retry."""
