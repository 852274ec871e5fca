variable "domain" {
  description = "The host that people know the console by."
  type        = string
}

variable "functions" {
  description = "Who answers there, by function: the Cloud Run service, and below which path."
  type        = map(object({ service = string, path = string }))

  validation {
    condition     = length([for f in values(var.functions) : f if f.path == "/"]) == 1
    error_message = "Exactly one function.yaml says `console: /`: whatever has no path of its own goes there."
  }

  validation {
    condition     = length(distinct([for f in values(var.functions) : f.path])) == length(var.functions)
    error_message = "Two functions answer at one path of the console."
  }
}

variable "people" {
  description = "Whom the identity-aware proxy lets through; nobody: there is no proxy."
  type        = set(string)
}

variable "project_number" {
  description = "The project's number, of which the proxy's names are made."
  type        = string
}

variable "region" {
  description = "Where the functions run."
  type        = string
}
