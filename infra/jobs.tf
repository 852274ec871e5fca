# What the pipeline runs beside the functions, from the same image.

resource "google_service_account" "migrate" {
  account_id   = "job-migrate"
  display_name = "Owns the schema"

  depends_on = [google_project_service.needed]
}

resource "google_service_account" "begin" {
  account_id   = "job-begin"
  display_name = "Lets in the first admin, and loads catalogues"

  depends_on = [google_project_service.needed]
}

resource "google_service_account" "replay" {
  account_id   = "job-replay"
  display_name = "Makes kept decisions again"

  depends_on = [google_project_service.needed]
}

resource "google_service_account" "smoke" {
  account_id   = "job-smoke"
  display_name = "Knocks at every new revision, and is let in nowhere"

  depends_on = [google_project_service.needed]
}

locals {
  # Everybody who may use the tables; their owner says so after each migration.
  _grants = [for user in sort(values(module.database.users)) : "--grant=${user}"]
  _migrate = {
    account   = google_service_account.migrate.email
    command   = ["python", "-m", "shared.platform.migrate"]
    timeout_s = 3600
    # An index on a large table takes longer than a step of a function may.
    settings = { DISPATCH_STATEMENT_TIMEOUT_MS = "60000" }
  }

  jobs = {
    # Before the release what old code does not notice, after it what only old code needed.
    migrate-expand   = merge(local._migrate, { args = concat(["--until=expand"], local._grants) })
    migrate-contract = merge(local._migrate, { args = concat(["--until=contract"], local._grants) })
    begin = {
      account   = google_service_account.begin.email
      command   = ["python", "-m", "infra.release"]
      args      = ["--help"]
      timeout_s = 900
      # A catalogue is one transaction, and may be a large one.
      settings = merge({ DISPATCH_STATEMENT_TIMEOUT_MS = "60000" }, {
        for secret in google_secret_manager_secret.first_password :
        "FIRST_PASSWORD_SECRET" => "projects/${var.project}/secrets/${secret.secret_id}"
      })
      files = google_storage_bucket.releases.name
    }
    replay = {
      account   = google_service_account.replay.email
      command   = ["python", "-m", "infra.release", "replay"]
      args      = ["--hours=24"]
      timeout_s = 900
      settings  = {}
    }
    smoke = {
      account   = google_service_account.smoke.email
      command   = ["python", "-m", "infra.release", "smoke"]
      args      = [for name in sort(keys(local.functions)) : module.function[name].candidate_url]
      timeout_s = 300
      settings  = {}
    }
  }
}

resource "google_cloud_run_v2_job" "of" {
  for_each = local.jobs

  name                = each.key
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = each.value.account
      timeout         = "${each.value.timeout_s}s"
      # A migration that failed has been looked at before it runs again.
      max_retries = 0

      containers {
        image   = var.image
        command = each.value.command
        args    = each.value.args

        resources {
          limits = { cpu = "1", memory = "512Mi" }
        }

        dynamic "volume_mounts" {
          for_each = try([each.value.files], [])
          content {
            name       = "files"
            mount_path = "/files"
          }
        }

        dynamic "env" {
          for_each = merge(local.environment, each.value.settings, {
            DISPATCH_DATABASE_USER = trimsuffix(each.value.account, ".gserviceaccount.com")
          })
          content {
            name  = env.key
            value = env.value
          }
        }
      }

      dynamic "volumes" {
        for_each = try([each.value.files], [])
        content {
          name = "files"
          gcs {
            bucket    = volumes.value
            read_only = true
          }
        }
      }

      vpc_access {
        # The functions that are called from inside only are reached by way of the network.
        egress = "ALL_TRAFFIC"
        network_interfaces {
          network    = module.network.attachment.network
          subnetwork = module.network.attachment.subnetwork
        }
      }
    }
  }

  lifecycle {
    # The pipeline owns it.
    ignore_changes = [client, client_version, template[0].template[0].containers[0].image]
  }

  depends_on = [google_project_service.needed, google_service_account_iam_member.release_acts_as]
}

# Cloud Run lets the smoke test pass, and our own code turns it away: that is what it looks for.
resource "google_cloud_run_v2_service_iam_member" "smoke_knocks" {
  for_each = local.functions

  location = var.region
  name     = module.function[each.key].service
  role     = "roles/run.invoker"
  member   = google_service_account.smoke.member
}
