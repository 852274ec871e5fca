# The state's bucket is told at `terraform init -backend-config=bucket=…`: it is older than the state.
terraform {
  required_version = "~> 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.0"
    }
  }

  backend "gcs" {
    prefix = "dispatch"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  # Budgets are of a billing account, and need a project that pays for the call.
  billing_project       = var.project
  user_project_override = true
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_project_service" "needed" {
  for_each = toset([
    "artifactregistry", "billingbudgets", "cloudbuild", "cloudscheduler", "cloudtasks", "cloudtrace",
    "compute", "containeranalysis", "iam", "iap", "logging", "monitoring", "ondemandscanning", "pubsub", "run",
    "secretmanager", "servicenetworking", "sqladmin", "storage", "telemetry",
  ])

  service = "${each.key}.googleapis.com"

  # Others may use it, and what it runs would be gone.
  disable_on_destroy = false
}
