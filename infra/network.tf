module "network" {
  source = "./modules/network"

  region                 = var.region
  functions_cidr         = var.network.functions_cidr
  database_prefix_length = var.network.database_prefix_length

  depends_on = [google_project_service.needed]
}
