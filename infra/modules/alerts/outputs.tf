output "channels" {
  description = "Notification channels, for budgets."
  value       = [for channel in google_monitoring_notification_channel.email : channel.id]
}

output "metrics" {
  description = "Names of the metrics that count log lines."
  value       = { for name, metric in google_logging_metric.of : name => metric.name }
}
