# All that calls functions on Google's side signs as this account; edge code knows no other.
resource "google_service_account" "event_caller" {
  account_id   = "event-caller"
  display_name = "Signs what Pub/Sub, Cloud Tasks and Scheduler send"

  depends_on = [google_project_service.needed]
}

locals {
  # Every service accepts it beside its own address, so that no function needs to know that.
  audience = "https://dispatch.${var.project}.internal"

  environment = merge(var.settings, var.telemetry == "none" ? {} : { DISPATCH_TELEMETRY = var.telemetry }, {
    DISPATCH_ENV                      = var.environment
    DISPATCH_PROJECT                  = var.project
    DISPATCH_LOCATION                 = var.region
    DISPATCH_INSTANCE_CONNECTION_NAME = module.database.connection_name
    DISPATCH_DATABASE_NAME            = module.database.name
    DISPATCH_OIDC_AUDIENCE            = local.audience
    DISPATCH_OIDC_CALLER              = google_service_account.event_caller.email
    DISPATCH_API_CALLERS              = join(",", sort(tolist(var.api_callers)))
  })
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name     = each.key
  manifest = each.value
  size     = local.sizes[each.key]

  project        = var.project
  project_number = data.google_project.this.number
  region         = var.region
  image          = var.image
  environment = merge(
    local.environment,
    contains(keys(local.documents), each.key) ? { DISPATCH_DOCUMENTS_BUCKET = google_storage_bucket.documents.name } : {},
  )
  proxy = lookup(module.console.proxies, each.key, null)
  secrets = {
    for name in try(each.value.secrets, []) :
    name => { id = google_secret_manager_secret.of[name].secret_id, version = var.secrets[name] }
    if contains(keys(var.secrets), name)
  }
  network = module.network.attachment

  audience          = local.audience
  deployer          = google_service_account.release.member
  event_caller      = google_service_account.event_caller.email
  callers           = var.api_callers
  topics            = { for name, topic in google_pubsub_topic.of : name => topic.name }
  dead_letter_topic = local.dead_letter_topic

  depends_on = [google_project_service.needed]
}

# Traces and figures are written to the project as a whole; there is nothing smaller to write to.
resource "google_project_iam_member" "writes_telemetry" {
  for_each = var.telemetry != "google" ? {} : {
    for pair in setproduct(keys(local.functions), ["roles/telemetry.metricsWriter", "roles/telemetry.tracesWriter"]) :
    "${pair[0]}/${pair[1]}" => { function = pair[0], role = pair[1] }
  }

  project = var.project
  role    = each.value.role
  member  = module.function[each.value.function].member
}

# Terraform would pass over a name that no function has, and the setting would have no effect.
resource "terraform_data" "settings_fit" {
  lifecycle {
    precondition {
      condition     = length(setsubtract(keys(var.functions), keys(local.functions))) == 0
      error_message = "`functions` sets what no folder of functions/ is called: ${join(", ", setsubtract(keys(var.functions), keys(local.functions)))}."
    }
    precondition {
      condition     = length(setsubtract(keys(var.secrets), local.secrets)) == 0
      error_message = "`secrets` names what no function.yaml asks for: ${join(", ", setsubtract(keys(var.secrets), local.secrets))}."
    }
    precondition {
      condition     = length(setsubtract([for right in local.enqueues : right.queue], keys(local.queues))) == 0
      error_message = "A function.yaml enqueues to a queue that no function serves: ${join(", ", setsubtract([for right in local.enqueues : right.queue], keys(local.queues)))}."
    }
    precondition {
      condition     = length(setsubtract(keys(var.publishers), local.topics)) == 0
      error_message = "`publishers` names a topic that nobody hears: ${join(", ", setsubtract(keys(var.publishers), local.topics))}."
    }
  }
}
