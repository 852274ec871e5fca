"""Labels: the port to carriers, and one folder per vendor that sells them."""
