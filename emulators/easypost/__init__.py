"""A simulator that speaks EasyPost's HTTP API and moves the parcels that it sells labels for."""
