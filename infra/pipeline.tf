resource "google_artifact_registry_repository" "images" {
  repository_id = "dispatch"
  location      = var.region
  format        = "DOCKER"
  description   = "One image holds all functions"

  docker_config {
    immutable_tags = true
  }

  # Kept for rolling back; whatever serves traffic is among the newest.
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 30
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.needed]
}

# Builds whatever is pushed: it can look at everything and change nothing but the image.
resource "google_service_account" "build" {
  account_id   = "pipeline-build"
  display_name = "Checks, builds, scans and plans"

  depends_on = [google_project_service.needed]
}

# Changes production, after somebody has approved.
resource "google_service_account" "release" {
  account_id   = "pipeline-release"
  display_name = "Applies, migrates and releases"

  depends_on = [google_project_service.needed]
}

locals {
  # What a plan reads, and what a change writes, a service at a time.
  _build_roles = [
    "roles/artifactregistry.reader", "roles/browser", "roles/cloudbuild.builds.viewer", "roles/cloudscheduler.viewer",
    "roles/cloudsql.viewer", "roles/cloudtasks.viewer", "roles/compute.networkViewer",
    "roles/containeranalysis.occurrences.viewer", "roles/iam.securityReviewer", "roles/logging.logWriter",
    "roles/logging.viewer", "roles/monitoring.viewer", "roles/ondemandscanning.admin",
    "roles/pubsub.viewer", "roles/run.viewer", "roles/secretmanager.viewer",
    "roles/serviceusage.serviceUsageConsumer", "roles/storage.bucketViewer",
  ]
  _release_roles = [
    "roles/artifactregistry.admin", "roles/browser", "roles/cloudbuild.builds.editor", "roles/cloudscheduler.admin",
    "roles/cloudsql.admin", "roles/cloudtasks.admin", "roles/compute.loadBalancerAdmin",
    "roles/compute.networkAdmin", "roles/iam.serviceAccountAdmin", "roles/iap.admin", "roles/logging.configWriter", "roles/logging.logWriter",
    "roles/monitoring.editor", "roles/pubsub.admin", "roles/run.admin",
    "roles/serviceusage.serviceUsageAdmin", "roles/storage.admin",
  ]

  # The only rights on the project that a release can give to anybody.
  _granted_roles = [
    "roles/cloudsql.client", "roles/cloudsql.instanceUser",
    "roles/telemetry.metricsWriter", "roles/telemetry.tracesWriter",
  ]
}

resource "google_project_iam_member" "build" {
  for_each = toset(local._build_roles)

  project = var.project
  role    = each.value
  member  = google_service_account.build.member
}

resource "google_project_iam_member" "release" {
  for_each = toset(local._release_roles)

  project = var.project
  role    = each.value
  member  = google_service_account.release.member
}

# What a change does to the shells of secrets and to who reads them. No role of Google's has that without
# secretmanager.versions.access, and a release reads no secret.
# Source: https://cloud.google.com/iam/docs/roles-permissions/secretmanager
resource "google_project_iam_custom_role" "release_secrets" {
  project     = var.project
  role_id     = "releaseSecrets"
  title       = "Keeps the shells of secrets"
  description = "Makes and changes secrets and who may read them, and reads none."
  permissions = [
    "iam.roles.get",
    "secretmanager.secrets.create", "secretmanager.secrets.delete", "secretmanager.secrets.get",
    "secretmanager.secrets.getIamPolicy", "secretmanager.secrets.list", "secretmanager.secrets.setIamPolicy",
    "secretmanager.secrets.update", "secretmanager.versions.get", "secretmanager.versions.list",
  ]

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "release_secrets" {
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.release_secrets.role_id}"
  member  = google_service_account.release.member
}

# Whoever may give rights could give itself all of them.
resource "google_project_iam_member" "release_grants" {
  project = var.project
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.release.member

  condition {
    title      = "only the rights that functions need"
    expression = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['${join("', '", local._granted_roles)}'])"
  }
}

# To start something as an account is a right on that account alone; of a function's its module gives it.
resource "google_service_account_iam_member" "release_acts_as" {
  for_each = {
    job-begin    = google_service_account.begin.email
    job-migrate  = google_service_account.migrate.email
    job-replay   = google_service_account.replay.email
    job-smoke    = google_service_account.smoke.email
    event-caller = google_service_account.event_caller.email
    build        = google_service_account.build.email
    release      = google_service_account.release.email
  }

  service_account_id = "projects/${var.project}/serviceAccounts/${each.value}"
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.release.member
}

resource "google_artifact_registry_repository_iam_member" "build_pushes" {
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

resource "google_storage_bucket_iam_member" "build_hands_over" {
  bucket = google_storage_bucket.releases.name
  role   = "roles/storage.objectUser"
  member = google_service_account.build.member
}

resource "google_cloudbuild_trigger" "of" {
  for_each = var.pipeline == null ? {} : {
    build   = { file = "cloudbuild.yaml", account = google_service_account.build.id, approved = false }
    release = { file = "infra/cloudbuild.release.yaml", account = google_service_account.release.id, approved = true }
  }

  name            = each.key
  location        = var.region
  filename        = each.value.file
  service_account = each.value.account

  repository_event_config {
    repository = var.pipeline.repository
    push {
      branch = var.pipeline.branch
    }
  }

  # The build is looked at, its plan above all, and then the release is let go.
  approval_config {
    approval_required = each.value.approved
  }

  substitutions = {
    _ENVIRONMENT = var.environment
    _REGION      = var.region
    _REPOSITORY  = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
    _RELEASES    = "gs://${google_storage_bucket.releases.name}"
    _STATE       = "${var.project}-state"
  }
}
