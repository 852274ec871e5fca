output "candidate_url" {
  description = "Where the revision answers that is not released yet."
  value       = local.candidate_url
}

output "email" {
  description = "The account that the function runs as."
  value       = google_service_account.this.email
}

output "host" {
  description = "The host of its address."
  value       = local.host
}

output "member" {
  description = "The same account, as rights name it."
  value       = google_service_account.this.member
}

output "queues" {
  description = "The queues that it serves, by name."
  value       = { for name, queue in google_cloud_tasks_queue.of : name => queue.name }
}

output "service" {
  description = "The service's name."
  value       = google_cloud_run_v2_service.this.name
}

output "url" {
  description = "Its address, once those who call it are let in."
  value       = local.url
  depends_on = [
    google_cloud_run_v2_service_iam_member.caller,
    google_cloud_run_v2_service_iam_member.event_caller,
    google_cloud_run_v2_service_iam_member.proxy,
    google_cloud_run_v2_service_iam_member.public,
  ]
}
