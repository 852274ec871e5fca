"""Who gets webhooks, which, and how that goes."""
