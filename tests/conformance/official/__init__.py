"""The Pub/Sub part of the suite once more, on Google's own emulator."""
