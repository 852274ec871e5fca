"""What became of one order, step by step: from the spans that were kept, and from the tables."""
