"""Orders for the running line: the sample shop, recorded data sets, and what became of them."""
