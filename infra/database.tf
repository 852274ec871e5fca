locals {
  # What can be open at once: every instance that there may be, with its whole pool; of two revisions, since
  # in a release the old one and the new one serve side by side, each with its own instances.
  connections = { for name, size in local.sizes : name => 2 * size.max_instances * size.pool }
}

locals {
  # The jobs that use tables as functions do.
  _working_jobs = { begin = google_service_account.begin.email, replay = google_service_account.replay.email }
}

module "database" {
  source = "./modules/database"

  project            = var.project
  region             = var.region
  settings           = var.database
  connections_wanted = local.connections
  network            = module.network.database
  owners             = { migrate = google_service_account.migrate.email }
  users              = merge({ for name, function in module.function : name => function.email }, local._working_jobs)
}

# Cloud SQL knows no rights on an instance, only on a project; a condition narrows them to ours, and to the
# clones of it that a restore makes and looks into before anything leads there.
resource "google_project_iam_member" "uses_database" {
  for_each = {
    for pair in setproduct(concat(keys(local.functions), ["migrate"], keys(local._working_jobs)), ["roles/cloudsql.client", "roles/cloudsql.instanceUser"]) :
    "${pair[0]}/${pair[1]}" => { who = pair[0], role = pair[1] }
  }

  project = var.project
  role    = each.value.role
  member = (
    each.value.who == "migrate" ? google_service_account.migrate.member :
    contains(keys(local._working_jobs), each.value.who) ? "serviceAccount:${local._working_jobs[each.value.who]}" :
    module.function[each.value.who].member
  )

  condition {
    title      = "dispatch"
    expression = "resource.service == \"sqladmin.googleapis.com\" && resource.name.startsWith(\"projects/${var.project}/instances/dispatch\")"
  }
}
