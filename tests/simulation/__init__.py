"""The simulation finds nothing in the product, and finds what is planted."""
