"""What can go wrong, on order and by chance."""
