"""The vendors that report on parcels, each a table of statuses and a reader of its payloads."""
