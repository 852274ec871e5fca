"""The schema's history. Each step is safe under running old code: expand, then contract."""
