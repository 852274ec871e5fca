"""Cloud Tasks as `google-cloud-tasks` calls it."""
