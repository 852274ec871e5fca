environment = "dev"
project     = "dispatch-dev"
region      = "europe-west1"

# As small as it works; nobody waits, and a weekend may be without it.
database = {
  tier                 = "db-custom-1-3840"
  regional             = false
  disk_gb              = 10
  max_connections      = 340 # as many as its memory holds
  reserved_connections = 20
  backups_kept         = 7
  log_days             = 1
  deletion_protection  = false
}

scale = {
  max_instances = 1
}

# People have passwords here.
console = {
  domain = "console.dev.example.com"
}

alerting = {
  emails        = { team = "dispatch-dev@example.com" }
  uptime_checks = false
}
