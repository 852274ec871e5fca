mock_provider "google" {}

variables {
  project            = "dispatch-test"
  region             = "europe-west1"
  network            = "projects/dispatch-test/global/networks/dispatch"
  owners             = { migrate = "job-migrate@dispatch-test.iam.gserviceaccount.com" }
  users              = { order_intake = "fn-order-intake@dispatch-test.iam.gserviceaccount.com" }
  connections_wanted = { order_intake = 100, order_api = 60 }
  settings = {
    name                 = "dispatch"
    version              = "POSTGRES_17"
    edition              = "ENTERPRISE"
    tier                 = "db-custom-2-7680"
    regional             = true
    disk_gb              = 20
    max_connections      = 200
    reserved_connections = 40
    backups_kept         = 14
    log_days             = 7
    deletion_protection  = true
    maintenance          = { day = 2, hour = 3 }
  }
}

run "the_last_connection_may_be_used" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = google_sql_database_instance.this.settings[0].availability_type == "REGIONAL"
    error_message = "A regional database survives a zone."
  }

  assert {
    condition     = google_sql_user.user["order_intake"].name == "fn-order-intake@dispatch-test.iam"
    error_message = "Postgres knows an account by its e-mail without its end."
  }
}

run "one_connection_more_than_there_are_is_refused" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    connections_wanted = { order_intake = 100, order_api = 61 }
  }

  expect_failures = [google_sql_database_instance.this]
}

run "more_connections_than_the_machine_has_memory_for_are_refused" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    settings = {
      name                 = "dispatch"
      version              = "POSTGRES_17"
      edition              = "ENTERPRISE"
      tier                 = "db-custom-1-3840"
      regional             = true
      disk_gb              = 20
      max_connections      = 360
      reserved_connections = 40
      backups_kept         = 14
      log_days             = 7
      deletion_protection  = true
      maintenance          = { day = 2, hour = 3 }
    }
  }

  expect_failures = [google_sql_database_instance.this]
}

run "a_larger_machine_holds_them" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    settings = {
      name                 = "dispatch"
      version              = "POSTGRES_17"
      edition              = "ENTERPRISE_PLUS"
      tier                 = "db-perf-optimized-N-2"
      regional             = true
      disk_gb              = 20
      max_connections      = 1400
      reserved_connections = 40
      backups_kept         = 14
      log_days             = 7
      deletion_protection  = true
      maintenance          = { day = 2, hour = 3 }
    }
  }
}
