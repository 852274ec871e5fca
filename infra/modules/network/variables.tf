variable "database_prefix_length" {
  description = "How large the range of the database is."
  type        = number

  validation {
    condition     = var.database_prefix_length >= 16 && var.database_prefix_length <= 24
    error_message = "database_prefix_length is 16 to 24: Google takes no smaller range than a /24."
  }
}

variable "functions_cidr" {
  description = "The range of the functions' addresses."
  type        = string
}

variable "region" {
  description = "Where the functions run."
  type        = string
}
