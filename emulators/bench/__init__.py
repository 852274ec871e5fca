"""`python3 -m emulators bench NAME`: figures with their floors, measured in one run."""
