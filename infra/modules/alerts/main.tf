locals {
  # "## name" and what stands below it, up to the next.
  runbooks = {
    for section in slice(split("\n## ", var.runbooks), 1, length(split("\n## ", var.runbooks))) :
    split("\n", section)[0] => trimspace(join("\n", slice(split("\n", section), 1, length(split("\n", section)))))
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.emails

  display_name = each.key
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_logging_metric" "of" {
  for_each = var.log_metrics

  name = "dispatch_${each.key}"
  filter = join(" AND ", compact([
    "resource.type=\"cloud_run_revision\"",
    "jsonPayload.message=(${join(" OR ", [for line in each.value.lines : "\"${line}\""])})",
    each.value.where,
  ]))

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = toset(each.value.labels)
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  label_extractors = { for fact in each.value.labels : fact => "EXTRACT(jsonPayload.${fact})" }
}

resource "google_logging_metric" "event" {
  for_each = var.event_metrics

  name   = "dispatch_${each.key}"
  filter = each.value

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_monitoring_alert_policy" "of" {
  for_each = var.alerts

  display_name          = each.key
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = each.key
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "${each.value.for_s}s"
      evaluation_interval = "60s"
      # A line that nobody has logged yet is a metric that is not there yet.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = lookup(local.runbooks, each.key, "")
  }

  alert_strategy {
    auto_close = var.auto_close_after
  }

  lifecycle {
    precondition {
      condition     = length(lookup(local.runbooks, each.key, "")) > 0
      error_message = "The alert ${each.key} has no runbook: write \"## ${each.key}\" in infra/runbooks.md."
    }
  }

  depends_on = [google_logging_metric.of, google_logging_metric.event]
}
