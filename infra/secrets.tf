# Only the shells: a value is added with `gcloud secrets versions add`, and is in no state.
resource "google_secret_manager_secret" "of" {
  for_each = local.secrets

  secret_id = replace(lower(each.key), "_", "-")

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.needed]
}

# The first admin's password is added by the job that begins an environment, and read by whoever owns the
# project. Where people come through the identity-aware proxy there is none.
resource "google_secret_manager_secret" "first_password" {
  count = length(var.console.people) == 0 ? 1 : 0

  secret_id = "first-password"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_iam_member" "begin_adds_first_password" {
  count = length(google_secret_manager_secret.first_password)

  secret_id = google_secret_manager_secret.first_password[0].secret_id
  role      = "roles/secretmanager.secretVersionAdder"
  member    = google_service_account.begin.member
}

# Of a secret a function may read what its function.yaml names.
resource "google_secret_manager_secret_iam_member" "function_reads" {
  for_each = merge([
    for name, f in local.functions : { for secret in try(f.secrets, []) : "${name}/${secret}" => { function = name, secret = secret } }
  ]...)

  secret_id = google_secret_manager_secret.of[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = module.function[each.value.function].member
}
