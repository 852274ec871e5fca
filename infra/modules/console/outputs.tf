output "address" {
  description = "Where the host's name has to lead."
  value       = google_compute_global_address.this.address
}

output "proxies" {
  description = "By function: whom the proxy's word is made for, and who it runs the function as; null: there is no proxy."
  value = {
    for name in keys(var.functions) : name => length(var.people) == 0 ? null : {
      audience = "/projects/${var.project_number}/global/backendServices/${google_compute_backend_service.of[name].generated_id}"
      agent    = local.proxy_agent
    }
  }
}
