environment = "prod"
project     = "dispatch-prod"
region      = "europe-west1"

# 200,000 parcels a month and ten times that for a day; see the table of sizes in README.md.
database = {
  tier            = "db-custom-2-13312"
  disk_gb         = 100
  max_connections = 1000
}

scale = {
  max_instances = 3
}

functions = {
  order_intake     = { min_instances = 1 }
  order_api        = { min_instances = 1 }
  placement_worker = { min_instances = 1, memory = "1Gi" }
  tracking_webhook = { min_instances = 1 }
}

# All figures, once a minute, and the traces of one order in ten: some two million spans a month at
# this size, which is less than what is free of charge.
telemetry = "google"
settings = {
  DISPATCH_TELEMETRY_PERIOD_S        = "60"
  DISPATCH_TELEMETRY_SAMPLED_PERCENT = "10"
}

console = {
  domain = "console.example.com"
  people = ["group:logistics@example.com"]
}

alerting = {
  emails = { on_call = "dispatch-on-call@example.com" }
}

budget = {
  billing_account = "000000-000000-000000"
  amount          = 450
}
