# A global balancer before the functions that answer at one host, each below its own path.
#
# Google takes no time limit of a backend that is Cloud Run: how long an answer may go on, a stream above
# all, is the function's own limit.

locals {
  at_root = one([for name, f in var.functions : name if f.path == "/"])
  below   = { for name, f in var.functions : f.path => name if f.path != "/" }

  # How the proxy calls itself when it runs a function.
  proxy_agent = "serviceAccount:service-${var.project_number}@gcp-sa-iap.iam.gserviceaccount.com"
}

resource "google_compute_global_address" "this" {
  name = "console"
}

# By the service's name, not by the service: that has to know the backend, which the proxy is named after.
resource "google_compute_region_network_endpoint_group" "of" {
  for_each = var.functions

  name                  = "console-${each.value.service}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value.service
  }
}

resource "google_compute_backend_service" "of" {
  for_each = var.functions

  name                  = "console-${each.value.service}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  enable_cdn            = false
  compression_mode      = "DISABLED" # it would gather what a stream says before it goes on

  backend {
    group = google_compute_region_network_endpoint_group.of[each.key].id
  }

  # Google's own client for people of the organisation: no secret of ours.
  iap {
    enabled = length(var.people) > 0
  }

  log_config {
    enable      = true
    sample_rate = 0.1
  }
}

resource "google_iap_web_backend_service_iam_member" "person" {
  for_each = {
    for pair in setproduct(keys(var.functions), var.people) : "${pair[0]}/${pair[1]}" => { function = pair[0], member = pair[1] }
  }

  web_backend_service = google_compute_backend_service.of[each.value.function].name
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.value.member
}

resource "google_compute_url_map" "https" {
  name = "console"

  # Whoever comes by another name, or by none, is sent to the host itself.
  default_url_redirect {
    host_redirect  = var.domain
    https_redirect = true
    strip_query    = false
  }

  host_rule {
    hosts        = [var.domain]
    path_matcher = "console"
  }

  path_matcher {
    name            = "console"
    default_service = google_compute_backend_service.of[local.at_root].id

    dynamic "path_rule" {
      for_each = local.below
      content {
        paths   = [path_rule.key]
        service = google_compute_backend_service.of[path_rule.value].id
      }
    }
  }
}

resource "google_compute_url_map" "http" {
  name = "console-http"

  default_url_redirect {
    host_redirect  = var.domain
    https_redirect = true
    strip_query    = false
  }
}

resource "google_compute_ssl_policy" "this" {
  name            = "console"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

# Google makes it once the host's name leads to the address. Another host is another certificate, which is
# there before the old one goes.
resource "google_compute_managed_ssl_certificate" "this" {
  name = "console-${substr(sha256(var.domain), 0, 8)}"

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_target_https_proxy" "this" {
  name             = "console"
  url_map          = google_compute_url_map.https.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  ssl_policy       = google_compute_ssl_policy.this.id
}

resource "google_compute_target_http_proxy" "this" {
  name    = "console"
  url_map = google_compute_url_map.http.id
}

resource "google_compute_global_forwarding_rule" "of" {
  for_each = {
    https = { port = "443", target = google_compute_target_https_proxy.this.id }
    http  = { port = "80", target = google_compute_target_http_proxy.this.id }
  }

  name                  = "console-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = each.value.port
  target                = each.value.target
}
