"""Which warehouses ship an order, in which parcels, by which carriers. Pure: no SQL, no clock."""
