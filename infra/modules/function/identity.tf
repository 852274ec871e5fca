resource "google_service_account" "this" {
  account_id   = "fn-${local.service}"
  display_name = var.name
  description  = var.manifest.description

  lifecycle {
    precondition {
      condition     = length("fn-${local.service}") <= 30
      error_message = "${var.name}: a function's name has 27 characters at most, for its account's sake."
    }
  }
}

# Whoever starts something as an account needs a right on it, before the first start.
resource "google_service_account_iam_member" "deployer_acts_as" {
  service_account_id = "projects/${var.project}/serviceAccounts/${google_service_account.this.email}"
  role               = "roles/iam.serviceAccountUser"
  member             = var.deployer
}

# What Google sends is signed as one account; it may call this function where something is sent to it.
resource "google_cloud_run_v2_service_iam_member" "event_caller" {
  count = local.is_called_from_outside ? 0 : 1

  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${var.event_caller}"
}

resource "google_cloud_run_v2_service_iam_member" "public" {
  count = local.is_public ? 1 : 0

  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# Whoever the proxy has let through comes as the proxy; nobody else comes in.
resource "google_cloud_run_v2_service_iam_member" "proxy" {
  count = var.proxy == null ? 0 : 1

  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = var.proxy.agent
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = local.is_called_from_outside && !var.manifest.trigger.public ? var.callers : []

  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${each.value}"
}
