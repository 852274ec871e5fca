resource "google_compute_network" "this" {
  name                    = "dispatch"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "functions" {
  name          = "functions"
  region        = var.region
  network       = google_compute_network.this.id
  ip_cidr_range = var.functions_cidr

  # Google's own addresses, those of functions among them, are reached without a way outside.
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_global_address" "database" {
  name          = "database"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = var.database_prefix_length
  network       = google_compute_network.this.id
}

resource "google_service_networking_connection" "database" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.database.name]

  # Google refuses to part from a network for days after its last database.
  deletion_policy = "ABANDON"
}
