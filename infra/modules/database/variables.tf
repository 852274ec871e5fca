variable "connections_wanted" {
  description = "How many connections each function may open, all instances of all revisions together."
  type        = map(number)
}

variable "network" {
  description = "The network that the database has its only address in."
  type        = string
}

variable "owners" {
  description = "E-mails of the accounts that make tables, by what they are called here."
  type        = map(string)
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where the database is."
  type        = string
}

variable "settings" {
  description = "As the root's `database`, where it is checked."
  type = object({
    name                 = string
    version              = string
    edition              = string
    tier                 = string
    regional             = bool
    disk_gb              = number
    max_connections      = number
    reserved_connections = number
    backups_kept         = number
    log_days             = number
    deletion_protection  = bool
    maintenance          = object({ day = number, hour = number })
  })
}

variable "users" {
  description = "E-mails of the accounts that use tables, by what they are called here."
  type        = map(string)
}
