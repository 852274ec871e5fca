variable "alerting" {
  description = "Who is told, and from when on. `emails` name people by what they are told as."
  type = object({
    emails           = map(string)
    lag_s            = optional(number, 300)
    retries          = optional(number, 3)
    error_share      = optional(number, 0.01)
    placement_goal   = optional(number, 0.99985)
    database_share   = optional(number, 0.8)
    uptime_checks    = optional(bool, true)
    auto_close_after = optional(string, "3600s")
  })
  nullable = false

  validation {
    condition     = length(var.alerting.emails) > 0
    error_message = "An alert that nobody is told of is none: give alerting.emails at least one address."
  }

  validation {
    condition     = alltrue([for email in var.alerting.emails : can(regex("^[^@\\s]+@[^@\\s]+$", email))])
    error_message = "alerting.emails holds something that is no e-mail address."
  }

  validation {
    condition     = var.alerting.placement_goal > 0.9 && var.alerting.placement_goal < 1
    error_message = "alerting.placement_goal is a share of placements between 0.9 and 1, such as 0.99985."
  }
}

variable "api_callers" {
  description = "E-mails of the service accounts of machines that use the HTTP API."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for caller in var.api_callers : endswith(caller, ".gserviceaccount.com")])
    error_message = "api_callers are service accounts (…gserviceaccount.com): the API is for machines."
  }
}

variable "budget" {
  description = "What a month may cost. Without a billing account nobody is warned."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string, "EUR")
  })
  default = null

  validation {
    condition     = var.budget == null || can(regex("^[0-9A-F]{6}(-[0-9A-F]{6}){2}$", var.budget.billing_account))
    error_message = "budget.billing_account looks like 012345-6789AB-CDEF01."
  }

  validation {
    condition     = try(var.budget.amount > 0 && floor(var.budget.amount) == var.budget.amount, true)
    error_message = "budget.amount is a whole number of the currency, above 0."
  }
}

variable "console" {
  description = <<-E
    The console's host, whose name leads to the address that is put out. `people` come through the
    identity-aware proxy; without any there is no proxy, and whoever comes signs in with a password.
  E
  type = object({
    domain = optional(string, "")
    people = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.console.domain))
    error_message = "console.domain is missing, or no host such as console.example.com: pages look on at /live of their own host, and only its balancer leads there."
  }

  validation {
    condition     = alltrue([for member in var.console.people : can(regex("^(user|group|domain|serviceAccount):[^\\s]+$", member))])
    error_message = "console.people are user:…, group:…, domain:… or serviceAccount:…; nobody is let in unnamed."
  }
}

variable "database" {
  description = "The Postgres instance. `reserved_connections` are for migrations, backups and people."
  type = object({
    name                 = optional(string, "dispatch")
    version              = optional(string, "POSTGRES_17")
    edition              = optional(string, "ENTERPRISE")
    tier                 = string
    regional             = optional(bool, true)
    disk_gb              = optional(number, 20)
    max_connections      = number
    reserved_connections = optional(number, 40)
    backups_kept         = optional(number, 14)
    log_days             = optional(number, 7)
    deletion_protection  = optional(bool, true)
    maintenance          = optional(object({ day = number, hour = number }), { day = 2, hour = 3 })
  })
  nullable = false

  validation {
    condition     = can(regex("^dispatch(-[0-9]+)?$", var.database.name))
    error_message = "database.name is dispatch, or dispatch-2 and so on after a restore: the functions have rights on these names."
  }

  validation {
    condition     = contains(["ENTERPRISE", "ENTERPRISE_PLUS"], var.database.edition)
    error_message = "database.edition is ENTERPRISE or ENTERPRISE_PLUS."
  }

  validation {
    condition     = startswith(var.database.tier, var.database.edition == "ENTERPRISE_PLUS" ? "db-perf-optimized-N-" : "db-")
    error_message = "database.tier of ENTERPRISE_PLUS is one of db-perf-optimized-N-*, of ENTERPRISE db-custom-CPUS-MB."
  }

  validation {
    condition     = !startswith(var.database.tier, "db-perf") || var.database.edition == "ENTERPRISE_PLUS"
    error_message = "database.tier db-perf-optimized-N-* needs database.edition ENTERPRISE_PLUS."
  }

  validation {
    condition     = var.database.max_connections > var.database.reserved_connections && var.database.max_connections <= 5000
    error_message = "database.max_connections lies above database.reserved_connections, and is 5000 at most."
  }

  validation {
    condition     = var.database.backups_kept >= 7 && var.database.log_days >= 1 && var.database.log_days <= 7
    error_message = "database.backups_kept is 7 at least, database.log_days 1 to 7: a mistake is often found days later."
  }
}

variable "environment" {
  description = "dev or prod. Each has a project of its own, so names need no prefix."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment is dev or prod."
  }
}

variable "functions" {
  description = "What an environment sets of a function beside its function.yaml; left out is as with any other."
  type = map(object({
    cpu           = optional(number)
    memory        = optional(string)
    min_instances = optional(number)
    max_instances = optional(number)
  }))
  default  = {}
  nullable = false
}

variable "image" {
  description = "The image by which functions and jobs are made. Afterwards the pipeline changes it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@\\s]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image names a digest (…@sha256:…): a tag may be another image tomorrow."
  }
}

variable "network" {
  description = "Address ranges: of the functions, and of the database (a prefix's length)."
  type = object({
    functions_cidr         = optional(string, "10.20.0.0/22")
    database_prefix_length = optional(number, 24)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(cidrhost(var.network.functions_cidr, 0))
    error_message = "network.functions_cidr is no range of addresses such as 10.20.0.0/22."
  }

  validation {
    condition     = try(tonumber(split("/", var.network.functions_cidr)[1]) <= 26, false)
    error_message = "network.functions_cidr is a /26 or larger: Cloud Run takes four addresses an instance while revisions change."
  }
}

variable "pipeline" {
  description = "The repository that Cloud Build listens to, and the branch that is released."
  type = object({
    repository = string
    branch     = optional(string, "^main$")
  })
  default = null

  validation {
    condition     = var.pipeline == null || can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.pipeline.repository))
    error_message = "pipeline.repository looks like projects/P/locations/L/connections/C/repositories/R."
  }
}

variable "project" {
  description = "The project's id."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is an id: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "publishers" {
  description = "Who may publish to a topic that nothing here publishes to: topic => members."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for member in flatten([for members in var.publishers : tolist(members)]) :
      can(regex("^(serviceAccount|group|principal|principalSet):", member))
    ])
    error_message = "publishers are serviceAccount:…, group:…, principal:… or principalSet:…; nobody is let in unnamed."
  }
}

variable "region" {
  description = "Where everything is."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region looks like europe-west1."
  }
}

variable "scale" {
  description = "Bounds and sizes of every function's instances, unless `functions` says otherwise."
  type = object({
    max_instances = number
    cpu           = optional(number, 1)
    memory        = optional(string, "512Mi")
  })
  nullable = false

  validation {
    condition     = var.scale.max_instances >= 1 && var.scale.max_instances <= 100
    error_message = "scale.max_instances lies between 1 and 100: every instance opens connections."
  }
}

variable "secrets" {
  description = <<-E
    The version of each secret that functions get. The values are added by hand and are in no state;
    a secret that is not named here is made, and not given to anybody yet.
  E
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for version in values(var.secrets) : version >= 1 && floor(version) == version])
    error_message = "secrets are names with the number of a version: DISPATCH_EASYPOST_API_KEY = 3."
  }
}

variable "settings" {
  description = "Further settings (DISPATCH_…) of all functions. What is secret does not belong here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^(DISPATCH|OTEL)_[A-Z0-9_]+$", name))])
    error_message = "settings begin with DISPATCH_ or OTEL_."
  }

  validation {
    condition     = !anytrue([for name in keys(var.settings) : can(regex("(SECRET|KEY|TOKEN|PASSWORD)$", name))])
    error_message = "settings names a secret; whoever reads the state could read it. It goes to Secret Manager, see `secrets`."
  }
}

variable "telemetry" {
  description = "Where traces and figures of the functions go: none, google, or otlp by `settings`."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = contains(["none", "google", "otlp"], var.telemetry)
    error_message = "telemetry is none, google or otlp."
  }
}
