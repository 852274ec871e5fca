"""A simulator that speaks Shippo's HTTP API and moves the parcels that it sells labels for."""
