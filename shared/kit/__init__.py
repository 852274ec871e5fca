"""Pure words that every layer may use."""
