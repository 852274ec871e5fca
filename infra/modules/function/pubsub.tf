locals {
  subscriptions = {
    for heard in var.manifest.trigger.subscriptions :
    join(".", compact([var.name, heard.topic, heard.lane])) => heard
  }
  pubsub_agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_subscription" "of" {
  for_each = local.subscriptions

  name                    = each.key
  topic                   = var.topics[each.value.topic]
  filter                  = each.value.filter
  enable_message_ordering = each.value.ordered

  # Of a push it is how long the function may take.
  ack_deadline_seconds = min(max(var.manifest.limits.timeout_s, 10), 600)

  push_config {
    push_endpoint = "${local.url}/"
    oidc_token {
      service_account_email = var.event_caller
      audience              = var.audience
    }
  }

  retry_policy {
    minimum_backoff = "${var.manifest.trigger.retry.min_backoff_s}s"
    maximum_backoff = "${coalesce(each.value.max_backoff_s, var.manifest.trigger.retry.max_backoff_s)}s"
  }

  # Nothing stands behind who reads the dead letters.
  dynamic "dead_letter_policy" {
    for_each = var.manifest.trigger.retry.max_attempts == null ? [] : [var.manifest.trigger.retry.max_attempts]
    content {
      dead_letter_topic     = "projects/${var.project}/topics/${var.topics[var.dead_letter_topic]}"
      max_delivery_attempts = dead_letter_policy.value
    }
  }

  # Left out, a subscription that heard nothing for a month would be gone.
  expiration_policy {
    ttl = ""
  }

  # Not before the pushes are let in.
  depends_on = [google_cloud_run_v2_service_iam_member.event_caller]
}

# To move a message to the dead letters, Pub/Sub acknowledges it in its own name.
resource "google_pubsub_subscription_iam_member" "agent_takes_dead_letters" {
  for_each = { for name, heard in local.subscriptions : name => heard if try(var.manifest.trigger.retry.max_attempts, null) != null }

  subscription = google_pubsub_subscription.of[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
