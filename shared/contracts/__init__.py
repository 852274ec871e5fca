"""What crosses between functions: versioned events and pieces of work, additive only."""
