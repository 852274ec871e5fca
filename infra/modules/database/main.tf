locals {
  wanted = sum(values(var.connections_wanted))
  free   = var.settings.max_connections - var.settings.reserved_connections

  # What Postgres may come to hold, in MB: a third of the machine for what all share (Cloud SQL's default of
  # shared_buffers), and for each connection what a backend holds that has prepared the statements of one of
  # our functions: 1.5 to 6.2 MB, measured. The tenth that is left is for the few that sort or hash at the
  # same time (work_mem, 4 MB), for autovacuum and for the system. For prod that is
  # 4,393 + 1,000 x 6.2 = 10,593 of 13,312; for dev 1,267 + 340 x 6.2 = 3,375 of 3,840.
  # Sources: https://cloud.google.com/sql/docs/postgres/manage-memory-usage-best-practices (33 %), and
  # https://cloud.google.com/sql/docs/postgres/machine-series-overview (8 GB for each CPU of Enterprise Plus).
  memory_mb = try(
    tonumber(regex("^db-custom-\\d+-(\\d+)$", var.settings.tier)[0]),
    8192 * tonumber(regex("^db-perf-optimized-N-(\\d+)$", var.settings.tier)[0]),
    0,
  )
  held_mb = ceil(0.33 * local.memory_mb + 6.2 * var.settings.max_connections)
}

resource "google_sql_database_instance" "this" {
  name                = var.settings.name
  region              = var.region
  database_version    = var.settings.version
  deletion_protection = var.settings.deletion_protection

  settings {
    edition                     = var.settings.edition
    tier                        = var.settings.tier
    availability_type           = var.settings.regional ? "REGIONAL" : "ZONAL"
    disk_size                   = var.settings.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = var.settings.deletion_protection
    connector_enforcement       = "REQUIRED"

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      start_time                     = "01:00"
      transaction_log_retention_days = var.settings.log_days
      backup_retention_settings {
        retained_backups = var.settings.backups_kept
        retention_unit   = "COUNT"
      }
    }

    maintenance_window {
      day  = var.settings.maintenance.day
      hour = var.settings.maintenance.hour
    }

    insights_config {
      query_insights_enabled = true
      query_string_length    = 4500 # our longest statements are joined from several
      record_client_address  = false
      query_plans_per_minute = 5
    }

    dynamic "database_flags" {
      for_each = {
        "cloudsql.iam_authentication"         = "on"
        "max_connections"                     = tostring(var.settings.max_connections)
        "log_connections"                     = "on"
        "log_lock_waits"                      = "on"
        "log_checkpoints"                     = "on"
        "log_min_duration_statement"          = "1000"
        "log_parameter_max_length"            = "0"     # of slow statements too: names and addresses of people
        "idle_in_transaction_session_timeout" = "60000" # an instance that was frozen in mid-step
        "jit"                                 = "off"   # our statements are short
      }
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    # It grows by itself.
    ignore_changes = [settings[0].disk_size]

    precondition {
      condition = local.held_mb <= 0.9 * local.memory_mb
      error_message = join(" ", [
        "${var.settings.tier} has ${local.memory_mb} MB, and ${var.settings.max_connections} connections may come to hold",
        "${local.held_mb} of them: nine tenths are the most. Take a larger database.tier, or lower database.max_connections.",
      ])
    }

    precondition {
      condition = local.wanted <= local.free
      error_message = join(" ", [
        "The functions may open ${local.wanted} connections, in a release, and the database has ${local.free} for them",
        "(max_connections ${var.settings.max_connections} less ${var.settings.reserved_connections} reserved).",
        "Lower scale.max_instances or a function's max_instances, or raise database.max_connections.",
        "Most: ${join(", ", [for name, count in var.connections_wanted : "${name} ${count}" if count == max(values(var.connections_wanted)...)])}.",
      ])
    }
  }
}

resource "google_sql_database" "this" {
  name     = "dispatch"
  instance = google_sql_database_instance.this.name

  # Cloud SQL refuses to drop a database that is in use; it goes with its instance.
  deletion_policy = "ABANDON"
}

# Signing in is by identity alone: there is no password to keep.
resource "google_sql_user" "owner" {
  for_each = var.owners

  name     = trimsuffix(each.value, ".gserviceaccount.com")
  instance = google_sql_database_instance.this.name
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"

  # Makes tables, and cannot be dropped while they are its own.
  database_roles  = ["cloudsqlsuperuser"]
  deletion_policy = "ABANDON"
}

resource "google_sql_user" "user" {
  for_each = var.users

  name     = trimsuffix(each.value, ".gserviceaccount.com")
  instance = google_sql_database_instance.this.name
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"
}
