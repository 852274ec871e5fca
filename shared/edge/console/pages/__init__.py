"""What the console shows and does, a module for each part of it."""
