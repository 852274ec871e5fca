"""Stand-ins for Pub/Sub, Cloud Tasks, Cloud Scheduler and Google's token issuer, in one process."""
