"""The least that a function can be, beside which ours are measured."""
