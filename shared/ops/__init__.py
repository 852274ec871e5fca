"""Operations: looking across features. Nothing here writes."""
