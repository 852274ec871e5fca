"""The telemetry.googleapis.com of a laptop: OTLP over HTTP in, spans and Prometheus's text out."""
