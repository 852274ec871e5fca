# What hurts, as PromQL over Google's metrics and over lines that the functions log. Every name is a
# heading of runbooks.md, and what stands there is what the alert says.
locals {
  _run    = "monitored_resource=\"cloud_run_revision\""
  _tasks  = "monitored_resource=\"cloud_tasks_queue\""
  _pubsub = "monitored_resource=\"pubsub_subscription\""
  _sql    = "monitored_resource=\"cloudsql_database\",database_id=\"${var.project}:${module.database.instance}\""

  # metric => the log lines that it counts. `labels` are facts of the line to tell them apart by.
  log_metrics = {
    parked          = { lines = ["message.parked", "task.parked"], labels = ["code"] }
    placements_lost = { lines = ["task.parked"], where = "jsonPayload.queue=~\"^placement-\"", labels = ["queue"] }
    # Webhooks wait for those who want them, and are tried for a day: one dead subscriber is no alert.
    tried_often     = { lines = ["message.not_yet", "message.failed", "task.not_yet", "task.failed"], where = "jsonPayload.attempt>${var.alerting.retries} AND NOT jsonPayload.queue=\"webhooks\"", labels = ["code"] }
    faults          = { lines = ["message.failed", "message.not_parked", "task.failed", "task.not_parked", "task.not_compensated", "job.failed", "hook.failed", "api.failed", "console.failed", "stream.failed", "page.failed"], where = "NOT jsonPayload.code=(\"database_unavailable\" OR \"keys_unavailable\" OR \"lost_race\")", labels = ["code"] }
    jobs_failed     = { lines = ["job.failed"], labels = ["job"] }
    jobs_done       = { lines = ["job.done"], labels = ["job"] }
    callers_refused = { lines = ["push.refused", "task.refused", "job.refused"], labels = ["code"] }
    hooks_refused   = { lines = ["hook.refused", "hook.malformed"], where = "jsonPayload.vendor=~\".\"", labels = ["vendor", "reason"] }
    # Strangers, and the uptime check once a minute from each of its places: to look at, and no alert.
    hooks_unknown      = { lines = ["hook.refused"], where = "jsonPayload.reason=\"unknown_vendor\"", labels = [] }
    carriers_paused    = { lines = ["carrier.paused", "carrier.not_called"], labels = ["carrier"] }
    invariants_broken  = { lines = ["invariant.broken"], labels = ["rule"] }
    stock_fenced_off   = { lines = ["stock.fenced_off"], labels = ["warehouse"] }
    stock_drifts       = { lines = ["stock.drift"], labels = ["figure"] }
    outbox_left        = { lines = ["outbox.left_for_sweep", "outbox.not_sent"], labels = ["code", "destination"] }
    outbox_old         = { lines = ["measured"], where = "jsonPayload.outbox_oldest_s>${var.alerting.lag_s}", labels = [] }
    express_waits      = { lines = ["measured"], where = "jsonPayload.waiting_express_oldest_s>${var.alerting.lag_s}", labels = [] }
    races_lost         = { lines = ["transaction.lost_race"], labels = [] }
    codes_unknown      = { lines = ["tracking.undocumented_code"], labels = ["vendor"] }
    not_ours           = { lines = ["tracking.not_ours"], labels = ["vendor"] }
    cancelled_but_sent = { lines = ["parcel.moves_though_cancelled"], labels = [] }
  }
  # metric => the lines of Google's own that it counts. A backup is told of when its window is over: four
  # hours from its start_time on. Source:
  # https://cloud.google.com/sql/docs/postgres/backup-recovery/view-audit-logs-for-automated-backups
  event_metrics = {
    backups_done = join(" AND ", [
      "resource.type=\"cloudsql_database\"",
      "resource.labels.database_id=\"${var.project}:${module.database.instance}\"",
      "log_id(\"cloudaudit.googleapis.com/system_event\")",
      "protoPayload.methodName=\"cloudsql.instances.automatedBackup\"",
      "protoPayload.metadata.windowStatus=\"STATUS_SUCCEEDED\"",
    ])
  }

  # What was counted in the last minutes, as PromQL.
  _counted = { for name in keys(local.log_metrics) : name => "logging_googleapis_com:user_dispatch_${name}{${local._run}}" }

  _placements = "run_googleapis_com:request_count{${local._run},service_name=\"placement-worker\"}"
  # In how many times as much as the objective allows, by the time that is looked back: a month's budget
  # would be gone in two days, or in five. Source: https://sre.google/workbook/alerting-on-slos/, table 5-8.
  _burn = {
    for window, factor in { "5m" = 14.4, "1h" = 14.4, "30m" = 6, "6h" = 6 } :
    window => "sum(increase(${local._counted.placements_lost}[${window}])) / sum(increase(${local._placements}[${window}])) > ${factor * (1 - var.alerting.placement_goal)}"
  }

  # How long a job may be silent: some of its runs. A query looks back 25 hours at most, which is one run
  # of a night and an hour for it to take.
  _silence = merge([
    for name, f in local.functions : {
      for job in values(f.trigger.jobs) :
      "service_name=\"${replace(name, "_", "-")}\",job=\"${job.path}\"" => (
        split(" ", job.schedule)[1] != "*" ? "25h" :
        split(" ", job.schedule)[0] == "*" ? "10m" :
        can(regex("/", job.schedule)) ? "30m" : "3h"
      )
    } if f.trigger.kind == "schedule"
  ]...)
  _silent = { for job, window in local._silence : job => "absent_over_time(logging_googleapis_com:user_dispatch_jobs_done{${local._run},${job}}[${window}])" }

  # Queues whose tasks may wait longer than ten minutes for their next attempt.
  _patient_queues = join("|", [
    for queue, name in local.queues : queue
    if try(local.functions[name].trigger.queues[queue].max_backoff_s, local.functions[name].trigger.retry.max_backoff_s) > 600
  ])
  _depth    = "max by (queue_id) (cloudtasks_googleapis_com:queue_depth{${local._tasks}"
  _attempts = "sum by (queue_id) (rate(cloudtasks_googleapis_com:queue_task_attempt_count{${local._tasks}}"

  # Somebody waits for their answer. A stream is one that goes on while somebody looks, a quarter of an hour.
  answering_functions = [
    for name, f in local.functions : replace(name, "_", "-") if f.trigger.kind == "http" && f.limits.timeout_s <= 60
  ]

  alerts = merge({
    events-late = {
      severity = "CRITICAL"
      query    = "max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{${local._pubsub}}) > ${var.alerting.lag_s}"
    }
    work-late = {
      severity = "CRITICAL"
      query    = "histogram_quantile(0.95, sum by (queue_id, le) (rate(cloudtasks_googleapis_com:queue_task_attempt_delays_bucket{${local._tasks}}[5m]))) > ${var.alerting.lag_s * 1000}"
    }
    queue-stands-still = {
      severity = "CRITICAL"
      for_s    = 300
      query    = "(${local._depth},queue_id!~\"${local._patient_queues}\"}) > 0 unless on (queue_id) ${local._attempts}[10m])) > 0) or (${local._depth},queue_id=~\"${local._patient_queues}\"}) > 0 unless on (queue_id) ${local._attempts}[3h])) > 0)"
    }
    tried-often = {
      severity = "WARNING"
      query    = "sum by (service_name, code) (increase(${local._counted.tried_often}[10m])) > 0"
    }
    parked = {
      severity = "WARNING"
      query    = "sum by (service_name, code) (increase(${local._counted.parked}[10m])) > 0"
    }
    given-up = {
      severity = "ERROR"
      query    = "sum by (subscription_id) (increase(pubsub_googleapis_com:subscription_dead_letter_message_count{${local._pubsub}}[10m])) > 0"
    }
    dead-letters-unread = {
      severity = "CRITICAL"
      for_s    = 600
      query    = "max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{${local._pubsub},subscription_id=~\"dead_letter\\\\..*\"}) > 0"
    }
    placement-budget = {
      severity = "CRITICAL"
      query    = "((${local._burn["1h"]}) and (${local._burn["5m"]})) or ((${local._burn["6h"]}) and (${local._burn["30m"]}))"
    }
    invariant-broken = {
      severity = "CRITICAL"
      query    = "sum by (rule) (increase(${local._counted.invariants_broken}[15m])) > 0"
    }
    stock-fenced-off = {
      severity = "CRITICAL"
      query    = "sum by (warehouse) (increase(${local._counted.stock_fenced_off}[15m])) > 0"
    }
    stock-drift = {
      severity = "WARNING"
      query    = "sum by (figure) (increase(${local._counted.stock_drifts}[15m])) > 0"
    }
    carrier-paused = {
      severity = "ERROR"
      query    = "sum by (carrier) (increase(${local._counted.carriers_paused}[10m])) > 0"
    }
    callers-refused = {
      severity = "CRITICAL"
      query    = "sum by (service_name) (increase(${local._counted.callers_refused}[10m])) > 5"
    }
    hooks-refused = {
      severity = "WARNING"
      query    = "sum by (vendor, reason) (increase(${local._counted.hooks_refused}[10m])) > 20"
    }
    outbox-left = {
      severity = "ERROR"
      query    = "sum(increase(${local._counted.outbox_left}[10m])) > 20"
    }
    # One line of each sweep, however much waits: a rate would not tell it from an outage of seconds.
    destination-refuses = {
      severity = "CRITICAL"
      for_s    = 600
      query    = "sum by (destination) (increase(${local._counted.outbox_left}[3m])) > 0"
    }
    faults = {
      severity = "ERROR"
      query    = "sum by (service_name, code) (increase(${local._counted.faults}[10m])) > 5"
    }
    errors = {
      severity = "ERROR"
      for_s    = 300
      query    = "sum by (service_name) (rate(run_googleapis_com:request_count{${local._run},response_code_class=\"5xx\"}[10m])) / sum by (service_name) (rate(run_googleapis_com:request_count{${local._run}}[10m])) > ${var.alerting.error_share}"
    }
    slow-answers = {
      severity = "WARNING"
      for_s    = 600
      query    = "histogram_quantile(0.95, sum by (service_name, le) (rate(run_googleapis_com:request_latencies_bucket{${local._run},service_name=~\"${join("|", local.answering_functions)}\"}[10m]))) > 2000"
    }
    instances-at-limit = {
      severity = "WARNING"
      for_s    = 600
      query    = join(" or ", [for name, size in local.sizes : "sum by (service_name) (run_googleapis_com:container_instance_count{${local._run},state=\"active\",service_name=\"${replace(name, "_", "-")}\"}) >= ${size.max_instances}"])
    }
    jobs-stopped = {
      severity = "CRITICAL"
      query    = join(" or ", [for job, query in local._silent : query if local._silence[job] != "25h"])
    }
    nightly-jobs-stopped = {
      severity = "ERROR"
      query    = join(" or ", [for job, query in local._silent : query if local._silence[job] == "25h"])
    }
    jobs-failing = {
      severity = "ERROR"
      query    = "sum by (service_name, job) (increase(${local._counted.jobs_failed}[30m])) > 2"
    }
    races-lost = {
      severity = "WARNING"
      for_s    = 600
      query    = "sum by (service_name) (rate(${local._counted.races_lost}[10m])) > 5"
    }
    codes-unknown = {
      severity = "WARNING"
      query    = "sum by (vendor) (increase(${local._counted.codes_unknown}[1h])) > 0"
    }
    not-ours = {
      severity = "WARNING"
      query    = "sum by (vendor) (increase(${local._counted.not_ours}[1h])) > 50"
    }
    cancelled-but-sent = {
      severity = "ERROR"
      query    = "sum(increase(${local._counted.cancelled_but_sent}[10m])) > 0"
    }
    database-down = {
      severity = "CRITICAL"
      for_s    = 120
      query    = "max(cloudsql_googleapis_com:database_up{${local._sql}}) < 1"
    }
    database-busy = {
      severity = "WARNING"
      for_s    = 600
      query    = "max(cloudsql_googleapis_com:database_cpu_utilization{${local._sql}}) > ${var.alerting.database_share}"
    }
    database-connections = {
      severity = "ERROR"
      for_s    = 300
      query    = "sum(cloudsql_googleapis_com:database_postgresql_num_backends{${local._sql}}) > ${floor(var.alerting.database_share * var.database.max_connections)}"
    }
    database-disk = {
      severity = "ERROR"
      for_s    = 600
      query    = "max(cloudsql_googleapis_com:database_disk_utilization{${local._sql}}) > ${var.alerting.database_share}"
    }
    # That there is none, whatever Google calls what went wrong. From the beginning of one window to the end
    # of the next it is 28 hours, and a query looks back 25.
    backup-missing = {
      severity = "ERROR"
      for_s    = 14400
      query    = "absent_over_time(logging_googleapis_com:user_dispatch_backups_done{${local._sql}}[25h])"
    }
    # One line a minute tells what waits, wherever figures go.
    outbox-old = {
      severity = "CRITICAL"
      query    = "sum(increase(${local._counted.outbox_old}[3m])) > 0"
    }
    orders-wait = {
      severity = "CRITICAL"
      query    = "sum(increase(${local._counted.express_waits}[3m])) > 0"
    }
    }, var.alerting.uptime_checks ? {
    not-reachable = {
      severity = "CRITICAL"
      for_s    = 120
      query    = "sum by (check_id) (monitoring_googleapis_com:uptime_check_check_passed{monitored_resource=\"uptime_url\"} == bool 0) > 1"
    }
  } : {})
}

module "alerts" {
  source = "./modules/alerts"

  alerts           = local.alerts
  auto_close_after = var.alerting.auto_close_after
  emails           = var.alerting.emails
  event_metrics    = local.event_metrics
  log_metrics      = local.log_metrics
  runbooks         = file("${path.module}/runbooks.md")

  depends_on = [google_project_service.needed]
}

resource "google_monitoring_uptime_check_config" "of" {
  for_each = var.alerting.uptime_checks ? local.public_functions : []

  display_name = each.key
  period       = "60s"
  timeout      = "10s"

  http_check {
    path         = try(local.console[each.key].path, "/")
    port         = 443
    use_ssl      = true
    validate_ssl = true

    # Nobody's webhook is at "/": that it says so is all that is asked.
    dynamic "accepted_response_status_codes" {
      for_each = ["STATUS_CLASS_2XX", "STATUS_CLASS_3XX", "STATUS_CLASS_4XX"]
      content {
        status_class = accepted_response_status_codes.value
      }
    }
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = contains(keys(local.console), each.key) ? var.console.domain : module.function[each.key].host }
  }
}

# The objective: of all the placements that were asked for, hardly any is given up.
resource "google_monitoring_custom_service" "placement" {
  service_id   = "placement"
  display_name = "Placement"

  depends_on = [google_project_service.needed]
}

resource "google_monitoring_slo" "placement" {
  service             = google_monitoring_custom_service.placement.service_id
  slo_id              = "placed"
  display_name        = "Placements that are not given up"
  goal                = var.alerting.placement_goal
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = "metric.type=\"run.googleapis.com/request_count\" resource.type=\"cloud_run_revision\" resource.label.service_name=\"placement-worker\""
      bad_service_filter   = "metric.type=\"logging.googleapis.com/user/${module.alerts.metrics["placements_lost"]}\" resource.type=\"cloud_run_revision\""
    }
  }
}
