# Labels, customs forms and proofs of delivery.
resource "google_storage_bucket" "documents" {
  name     = "${var.project}-documents"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age        = 730 # as long as a carrier answers for a parcel, and customs may ask
      with_state = "ANY"
    }
  }

  depends_on = [google_project_service.needed]
}

resource "google_storage_bucket_iam_member" "function_keeps_documents" {
  for_each = local.documents

  bucket = google_storage_bucket.documents.name
  role   = each.value == "keep" ? "roles/storage.objectUser" : "roles/storage.objectViewer"
  member = module.function[each.key].member
}

# Plans and digests on their way from the build to the release, and catalogues on theirs to the database.
resource "google_storage_bucket" "releases" {
  name     = "${var.project}-releases"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 30
    }
  }

  depends_on = [google_project_service.needed]
}

resource "google_storage_bucket_iam_member" "begin_reads_catalogues" {
  bucket = google_storage_bucket.releases.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.begin.member
}
