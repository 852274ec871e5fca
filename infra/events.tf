resource "google_pubsub_topic" "of" {
  for_each = local.topics

  name = each.key

  # Long enough to seek back to before a bad release.
  message_retention_duration = "604800s"

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [google_project_service.needed]
}

# For publishers to ask before they send; no topic is bound to its own (decision 0026).
resource "google_pubsub_schema" "of" {
  for_each = {
    for file in fileset("${path.module}/../shared/contracts/pubsub", "*.proto") :
    trimsuffix(file, ".proto") => file("${path.module}/../shared/contracts/pubsub/${file}")
  }

  name       = each.key
  type       = "PROTOCOL_BUFFER"
  definition = each.value

  depends_on = [google_project_service.needed]
}

resource "google_pubsub_topic_iam_member" "function_publishes" {
  for_each = local.publishes

  topic  = google_pubsub_topic.of[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = module.function[each.value.function].member
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = merge([
    for topic, members in var.publishers : { for member in members : "${topic}/${member}" => { topic = topic, member = member } }
    if contains(local.topics, topic)
  ]...)

  topic  = google_pubsub_topic.of[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = each.value.member
}

# Pub/Sub itself moves what it gives up; the right to take it from a subscription is in the module.
resource "google_pubsub_topic_iam_member" "agent_publishes_dead_letters" {
  topic  = google_pubsub_topic.of[local.dead_letter_topic].name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_cloud_tasks_queue_iam_member" "function_enqueues" {
  for_each = local.enqueues

  location = var.region
  name     = module.function[local.queues[each.value.queue]].queues[each.value.queue]
  role     = "roles/cloudtasks.enqueuer"
  member   = module.function[each.value.function].member
}
