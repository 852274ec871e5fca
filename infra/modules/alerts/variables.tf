variable "alerts" {
  description = "By name: a query in PromQL that is true while something is wrong, and for how long it must be."
  type = map(object({
    severity = string
    query    = string
    for_s    = optional(number, 0)
  }))

  validation {
    condition     = alltrue([for alert in var.alerts : contains(["CRITICAL", "ERROR", "WARNING"], alert.severity)])
    error_message = "An alert's severity is CRITICAL (somebody gets up), ERROR (today) or WARNING (this week)."
  }
}

variable "auto_close_after" {
  description = "An incident of which nothing more is heard is over after this time."
  type        = string
}

variable "emails" {
  description = "Who is told, by what they are told as."
  type        = map(string)
}

variable "event_metrics" {
  description = "By name: a filter of Google's own log lines that are counted."
  type        = map(string)
}

variable "log_metrics" {
  description = "By name: lines to be counted, what else must be true of them, and facts to tell them apart."
  type = map(object({
    lines  = list(string)
    where  = optional(string, "")
    labels = list(string)
  }))
}

variable "runbooks" {
  description = "Markdown with a section \"## name\" for each alert."
  type        = string
}
