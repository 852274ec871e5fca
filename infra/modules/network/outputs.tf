output "attachment" {
  description = "What a service or a job needs to send into the network."
  value = {
    network    = google_compute_network.this.id
    subnetwork = google_compute_subnetwork.functions.id
  }
}

output "database" {
  description = "The network for a private database, once there is a range for it."
  value       = google_compute_network.this.id
  depends_on  = [google_service_networking_connection.database]
}
