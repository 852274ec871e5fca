locals {
  service = replace(var.name, "_", "-")

  # Cloud Run's lasting addresses: known before the service is, so that what calls it can say so.
  host          = "${local.service}-${var.project_number}.${var.region}.run.app"
  url           = "https://${local.host}"
  candidate_url = "https://candidate---${local.host}"

  is_called_from_outside = var.manifest.trigger.kind == "http"
  is_behind_balancer     = var.manifest.trigger.console != null
  is_public              = var.manifest.trigger.public && var.proxy == null

  ingress = (
    local.is_behind_balancer ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" :
    local.is_called_from_outside ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  )

  behind_balancer = !local.is_behind_balancer ? {} : merge(
    { DISPATCH_TRUSTED_PROXIES = "2" }, # the balancer's own address, and the one that it saw
    var.proxy == null ? {} : { DISPATCH_IAP_AUDIENCE = var.proxy.audience },
  )
}

resource "google_cloud_run_v2_service" "this" {
  name                = local.service
  description         = var.manifest.description
  location            = var.region
  deletion_protection = false # it keeps nothing
  ingress             = local.ingress
  custom_audiences    = [var.audience]

  template {
    service_account                  = google_service_account.this.email
    timeout                          = "${var.manifest.limits.timeout_s}s"
    max_instance_request_concurrency = var.manifest.limits.concurrency

    scaling {
      min_instance_count = var.size.min_instances
      max_instance_count = var.size.max_instances
    }

    containers {
      image = var.image

      resources {
        limits            = { cpu = tostring(var.size.cpu), memory = var.size.memory }
        cpu_idle          = true # left out, it would be billed by the instance
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 2
        failure_threshold = 15
        tcp_socket {
          port = 8080
        }
      }

      dynamic "env" {
        for_each = merge(var.environment, local.behind_balancer, {
          DISPATCH_DATABASE_USER = trimsuffix(google_service_account.this.email, ".gserviceaccount.com")
          DISPATCH_POOL_SIZE     = tostring(var.size.pool)
          FUNCTION_TARGET        = var.name
          FUNCTION_SOURCE        = "functions/${var.name}/main.py"
          WORKERS                = "1" # a process: the pool is its own
          THREADS                = tostring(var.manifest.limits.concurrency)
        })
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value.id
              version = tostring(env.value.version)
            }
          }
        }
      }
    }

    vpc_access {
      # To the database by way of the network; to carriers and Google directly.
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = var.network.network
        subnetwork = var.network.subnetwork
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  lifecycle {
    # A request that finds all connections in use waits for ten seconds and fails.
    precondition {
      condition     = var.size.pool >= coalesce(var.manifest.limits.connections, var.manifest.limits.concurrency)
      error_message = "${var.name}: an instance takes ${var.manifest.limits.concurrency} requests at once and opens ${var.size.pool} connections to the database: some would wait in vain."
    }

    # The pipeline owns the image and who gets how much traffic: a new revision, also one of changed
    # settings, serves nobody until a canary was judged.
    ignore_changes = [client, client_version, template[0].containers[0].image, traffic]
  }

  depends_on = [google_service_account_iam_member.deployer_acts_as]
}
