# A folder with a function.yaml is a deployed function; there is no second list to keep in step.
locals {
  _functions = "${path.module}/../functions"
  functions = {
    for file in fileset(local._functions, "*/function.yaml") :
    dirname(file) => yamldecode(file("${local._functions}/${file}"))
  }

  dead_letter_topic = "dead-letters"

  topics = setunion(
    [local.dead_letter_topic],
    flatten([for f in local.functions : try(f.publishes, [])]),
    flatten([for f in local.functions : [for s in try(f.trigger.subscriptions, []) : s.topic]]),
  )

  # queue => the function that serves it
  queues = merge([
    for name, f in local.functions : { for queue in keys(try(f.trigger.queues, {})) : queue => name }
  ]...)

  # Those that answer at the console's host, and below which path.
  console = {
    for name, f in local.functions : name => { service = replace(name, "_", "-"), path = f.trigger.console }
    if can(f.trigger.console)
  }

  public_functions = toset([for name, f in local.functions : name if try(f.trigger.public, false)])

  # What a function is let to do, one right a line: "function/topic" and "function/queue".
  publishes = merge([
    for name, f in local.functions : { for topic in try(f.publishes, []) : "${name}/${topic}" => { function = name, topic = topic } }
  ]...)
  enqueues = merge([
    for name, f in local.functions : { for queue in try(f.enqueues, []) : "${name}/${queue}" => { function = name, queue = queue } }
  ]...)

  # Those that read labels and other documents, or keep them too.
  documents = { for name, f in local.functions : name => f.documents if try(f.documents, null) != null }

  secrets = toset(flatten([for f in local.functions : try(f.secrets, [])]))

  # Instances and connections: what function.yaml allows, bounded by the environment.
  sizes = {
    for name, f in local.functions : name => {
      cpu           = coalesce(try(var.functions[name].cpu, null), var.scale.cpu)
      memory        = coalesce(try(var.functions[name].memory, null), var.scale.memory)
      min_instances = coalesce(try(var.functions[name].min_instances, null), 0)
      max_instances = coalesce(try(var.functions[name].max_instances, null), min(f.limits.max_instances, var.scale.max_instances))
      # As many connections as requests at once, unless the manifest says how many of them use the database;
      # two at least, so that nothing inside a step can wait for itself.
      pool = max(try(f.limits.connections, f.limits.concurrency), 2)
    }
  }
}
