output "audience" {
  description = "Whom tokens for the HTTP API are made for."
  value       = local.audience
}

output "console" {
  description = "The console's host, and the address that its name has to lead to."
  value       = { host = var.console.domain, address = module.console.address }
}

output "database" {
  description = "The instance, as the connector and gcloud name it."
  value       = module.database.connection_name
}

output "documents_bucket" {
  description = "Where labels and proofs lie."
  value       = google_storage_bucket.documents.name
}

output "images" {
  description = "Where images are pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "jobs" {
  description = "Cloud Run jobs that the pipeline runs."
  value       = sort(keys(google_cloud_run_v2_job.of))
}

output "releases_bucket" {
  description = "Where a build hands its plan and digest over to the release."
  value       = google_storage_bucket.releases.name
}

output "secrets" {
  description = "Each secret by setting, and the version that functions get; null: none yet."
  value       = { for name, secret in google_secret_manager_secret.of : name => { id = secret.secret_id, version = lookup(var.secrets, name, null) } }
}

output "services" {
  description = "Cloud Run services that a release moves, by function."
  value       = { for name, function in module.function : name => function.service }
}

output "urls" {
  description = "Addresses of the functions that are called from outside."
  value       = { for name, f in local.functions : name => try("https://${var.console.domain}${local.console[name].path}", module.function[name].url) if f.trigger.kind == "http" }
}
