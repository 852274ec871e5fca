resource "google_cloud_scheduler_job" "of" {
  for_each = var.manifest.trigger.jobs

  name      = "${var.name}-${each.key}"
  region    = var.region
  schedule  = each.value.schedule
  time_zone = "Etc/UTC"

  attempt_deadline = "${var.manifest.limits.timeout_s}s"

  retry_config {
    retry_count          = var.manifest.trigger.retry.max_attempts
    min_backoff_duration = "${var.manifest.trigger.retry.min_backoff_s}s"
    max_backoff_duration = "${var.manifest.trigger.retry.max_backoff_s}s"
  }

  http_target {
    uri         = "${local.url}${each.value.path}"
    http_method = "POST"
    oidc_token {
      service_account_email = var.event_caller
      audience              = var.audience
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.event_caller]
}
