# The console and its live updates stand behind one host, so that one cookie and one origin are enough.
module "console" {
  source = "./modules/console"

  domain         = var.console.domain
  functions      = local.console
  people         = var.console.people
  project_number = data.google_project.this.number
  region         = var.region

  depends_on = [google_project_service.needed]
}
