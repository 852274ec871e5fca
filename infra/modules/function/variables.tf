variable "audience" {
  description = "Whom the tokens of all callers are made for."
  type        = string
}

variable "callers" {
  description = "E-mails of the accounts that may call it over HTTP, where it is not public."
  type        = set(string)
}

variable "dead_letter_topic" {
  description = "The name of the topic for what is given up."
  type        = string
}

variable "deployer" {
  description = "Who starts revisions of it, as rights name them."
  type        = string
}

variable "environment" {
  description = "Settings that all functions have."
  type        = map(string)
}

variable "event_caller" {
  description = "E-mail of the account that Pub/Sub, Cloud Tasks and Scheduler sign as."
  type        = string
}

variable "image" {
  description = "The image that the service is made from."
  type        = string
}

variable "manifest" {
  description = "What function.yaml says; the laptop reads the same."
  type = object({
    description = string
    trigger = object({
      kind    = string
      public  = optional(bool, false)
      console = optional(string)
      subscriptions = optional(list(object({
        topic         = string
        lane          = optional(string)
        ordered       = bool
        filter        = optional(string, "")
        max_backoff_s = optional(number)
      })), [])
      queues = optional(map(object({
        max_per_second = number
        max_concurrent = number
        max_backoff_s  = optional(number)
      })), {})
      jobs = optional(map(object({
        schedule = string
        path     = string
      })), {})
      retry = optional(object({
        min_backoff_s = number
        max_backoff_s = number
        max_attempts  = optional(number)
        max_doublings = optional(number)
      }))
    })
    limits = object({
      concurrency   = number
      connections   = optional(number)
      timeout_s     = number
      max_instances = number
    })
    publishes = optional(list(string), [])
    enqueues  = optional(list(string), [])
    secrets   = optional(list(string), [])
    documents = optional(string) # read, or keep
  })

  validation {
    condition     = contains(["read", "keep"], coalesce(var.manifest.documents, "read"))
    error_message = "A function's documents are read or keep."
  }

  validation {
    condition     = contains(["pubsub", "tasks", "schedule", "http"], var.manifest.trigger.kind)
    error_message = "A function's trigger is pubsub, tasks, schedule or http."
  }

  validation {
    condition     = (var.manifest.trigger.kind == "pubsub") == (length(var.manifest.trigger.subscriptions) > 0)
    error_message = "A function with a pubsub trigger names its subscriptions, and no other does."
  }

  validation {
    condition     = (var.manifest.trigger.kind == "tasks") == (length(var.manifest.trigger.queues) > 0)
    error_message = "A function with a tasks trigger names its queues, and no other does."
  }

  validation {
    condition     = (var.manifest.trigger.kind == "schedule") == (length(var.manifest.trigger.jobs) > 0)
    error_message = "A function with a schedule trigger names its jobs, and no other does."
  }

  validation {
    condition     = (var.manifest.trigger.kind == "http") == (var.manifest.trigger.retry == null)
    error_message = "Whatever Google starts says how it is tried again; a function that is called over HTTP does not."
  }

  validation {
    condition     = var.manifest.trigger.console == null || (var.manifest.trigger.kind == "http" && var.manifest.trigger.public)
    error_message = "What answers at the console's host is a public function that is called over HTTP."
  }

  validation {
    condition     = var.manifest.trigger.kind != "tasks" || try(var.manifest.trigger.retry.max_attempts >= 1, false)
    error_message = "A tasks trigger says how many attempts there are: without a last one Cloud Tasks would drop the work."
  }

  validation {
    condition     = alltrue([for s in var.manifest.trigger.subscriptions : length(s.filter) <= 256])
    error_message = "Pub/Sub takes filters of 256 characters at most."
  }

  validation {
    condition     = var.manifest.limits.concurrency >= 1 && var.manifest.limits.concurrency <= 1000 && var.manifest.limits.timeout_s <= 3600
    error_message = "Cloud Run takes a concurrency of 1 to 1000 and a timeout_s of 3600 at most."
  }
}

variable "name" {
  description = "The folder's name, which is that of the function in its main.py."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*[a-z0-9]$", var.name))
    error_message = "A function's folder is named in lower-case letters, digits and underscores."
  }
}

variable "network" {
  description = "Where it sends into the network."
  type        = object({ network = string, subnetwork = string })
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "project_number" {
  description = "The project's number, of which addresses and Google's own accounts are made."
  type        = string
}

variable "proxy" {
  description = "The identity-aware proxy before it: whom its word is made for, and who it comes as."
  type        = object({ audience = string, agent = string })
  default     = null
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "secrets" {
  description = "Its secrets by setting: the secret's id, and which version of it."
  type        = map(object({ id = string, version = number }))
}

variable "size" {
  description = "Of one instance, and how many there may be."
  type = object({
    cpu           = number
    memory        = string
    min_instances = number
    max_instances = number
    pool          = number
  })

  validation {
    condition     = var.size.min_instances >= 0 && var.size.min_instances <= var.size.max_instances && var.size.max_instances >= 1
    error_message = "A function has 1 to any bounded number of instances, and no more that are kept warm."
  }

  validation {
    condition     = var.size.pool >= 1 && var.size.pool <= 32
    error_message = "An instance opens 1 to 32 connections, which is what its settings take: say in limits.connections how many of its requests at once use the database."
  }

  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.size.memory))
    error_message = "A function's memory looks like 512Mi."
  }
}

variable "topics" {
  description = "Topics by name, so that a subscription comes after its topic."
  type        = map(string)
}
