"""Pub/Sub as `google-cloud-pubsub` calls it."""
