"""Cloud Scheduler in the JSON shape of its v1 REST interface."""
