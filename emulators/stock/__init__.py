"""Stock by command line: look at balances, spread, allot, and compare the books."""
