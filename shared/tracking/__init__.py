"""Following parcels to the door: one vocabulary, one fold, a folder per vendor that reports."""
