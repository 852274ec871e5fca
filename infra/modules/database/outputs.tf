output "connection_name" {
  description = "project:region:instance, as the connector wants it."
  value       = "${var.project}:${var.region}:${google_sql_database_instance.this.name}"
}

output "instance" {
  description = "The instance's name."
  value       = google_sql_database_instance.this.name
}

output "name" {
  description = "The database's name."
  value       = google_sql_database.this.name
}

output "users" {
  description = "Names in Postgres of those who use tables."
  value       = { for name, user in google_sql_user.user : name => user.name }
}
