resource "google_cloud_tasks_queue" "of" {
  for_each = var.manifest.trigger.queues

  name     = each.key
  location = var.region

  # The queue knows where its work goes, so that whoever gives it out need not (decision 0006).
  http_target {
    http_method = "POST"
    uri_override {
      scheme                    = "HTTPS"
      host                      = local.host
      uri_override_enforce_mode = "ALWAYS"
      path_override {
        path = "/"
      }
    }
    header_overrides {
      header {
        # Cloud Tasks does not tell a handler which attempt is the last.
        key   = "X-Dispatch-Max-Attempts"
        value = tostring(var.manifest.trigger.retry.max_attempts)
      }
    }
    oidc_token {
      service_account_email = var.event_caller
      audience              = var.audience
    }
  }

  rate_limits {
    max_dispatches_per_second = each.value.max_per_second
    max_concurrent_dispatches = each.value.max_concurrent
  }

  retry_config {
    # The attempt that the header names parks the work. Should it fail to, there is another one.
    max_attempts  = -1
    min_backoff   = "${var.manifest.trigger.retry.min_backoff_s}s"
    max_backoff   = "${coalesce(each.value.max_backoff_s, var.manifest.trigger.retry.max_backoff_s)}s"
    max_doublings = var.manifest.trigger.retry.max_doublings
  }

  stackdriver_logging_config {
    sampling_ratio = 0.01
  }

  depends_on = [google_cloud_run_v2_service_iam_member.event_caller]
}
