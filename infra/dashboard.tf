locals {
  _charts = [
    ["Age of the oldest message by subscription, s", "max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{${local._pubsub}})"],
    ["Tasks that wait by queue", "max by (queue_id) (cloudtasks_googleapis_com:queue_depth{${local._tasks}})"],
    ["Placements a second", "sum(rate(${local._placements}[5m]))"],
    ["Requests a second by function", "sum by (service_name) (rate(run_googleapis_com:request_count{${local._run}}[5m]))"],
    ["Share of answers 5xx by function", "sum by (service_name) (rate(run_googleapis_com:request_count{${local._run},response_code_class=\"5xx\"}[5m])) / sum by (service_name) (rate(run_googleapis_com:request_count{${local._run}}[5m]))"],
    ["Time to answer, p95, ms", "histogram_quantile(0.95, sum by (service_name, le) (rate(run_googleapis_com:request_latencies_bucket{${local._run}}[5m])))"],
    ["Active instances by function", "sum by (service_name) (run_googleapis_com:container_instance_count{${local._run},state=\"active\"})"],
    ["Parked by code", "sum by (code) (increase(${local._counted.parked}[5m]))"],
    ["Tried more than ${var.alerting.retries} times, by code", "sum by (code) (increase(${local._counted.tried_often}[5m]))"],
    ["Not taken by topics and queues, by destination and code", "sum by (destination, code) (increase(${local._counted.outbox_left}[5m]))"],
    ["Carriers paused", "sum by (carrier) (increase(${local._counted.carriers_paused}[5m]))"],
    ["Races lost a second by function", "sum by (service_name) (rate(${local._counted.races_lost}[5m]))"],
    ["Webhooks turned away by vendor", "sum by (vendor, reason) (increase(${local._counted.hooks_refused}[5m]))"],
    ["Webhooks of a vendor that nobody knows", "sum(increase(${local._counted.hooks_unknown}[5m]))"],
    ["News of parcels that are not ours, by vendor", "sum by (vendor) (increase(${local._counted.not_ours}[1h]))"],
    ["Database: processor", "max(cloudsql_googleapis_com:database_cpu_utilization{${local._sql}})"],
    ["Database: connections of ${var.database.max_connections}", "sum(cloudsql_googleapis_com:database_postgresql_num_backends{${local._sql}})"],
    ["Database: disk", "max(cloudsql_googleapis_com:database_disk_utilization{${local._sql}})"],
    ["Database: transactions a second", "sum by (transaction_type) (rate(cloudsql_googleapis_com:database_postgresql_transaction_count{${local._sql}}[5m]))"],
  ]

  # What functions tell of themselves (shared/platform/metrics.py), where they tell it to Google. A
  # gauge is told once a minute by whichever instance ran the job: of two that are remembered the mean
  # is asked for where figures are added up, and the larger one elsewhere, never their sum.
  # Source of the form of the names: https://docs.cloud.google.com/stackdriver/docs/otlp-metrics/overview
  _told = [
    ["Age of messages and tasks when they are taken, p95, by source, s", "histogram_quantile(0.95, sum by (source, le) (rate({\"dispatch.event.age_bucket\"}[5m])))"],
    ["Outbox: age of the oldest message, s", "max({\"dispatch.outbox.age\"})"],
    ["Outbox: messages to be sent", "max({\"dispatch.outbox.depth\"})"],
    ["Orders accepted a minute", "avg(avg_over_time({\"dispatch.orders.accepted\"}[5m]))"],
    ["Orders that are not closed, by state", "max by (state) ({\"dispatch.orders\"})"],
    ["Orders to be placed, by priority", "max by (priority) ({\"dispatch.orders.waiting\"})"],
    ["How long the first of them waits, by priority, s", "max by (priority) ({\"dispatch.orders.waiting.age\"})"],
    ["Decisions a second, by outcome", "sum by (outcome) (avg by (decided_by, outcome) (avg_over_time({\"dispatch.decisions\"}[5m]))) / 60"],
    ["Share of decisions that people made", "sum(avg by (outcome) (avg_over_time({\"dispatch.decisions\",decided_by=\"person\"}[1h]))) / sum(avg by (decided_by, outcome) (avg_over_time({\"dispatch.decisions\"}[1h])))"],
    ["Unshipped orders whose promise is at risk or broken", "max by (promise) ({\"dispatch.promises\"})"],
    ["Promise risk: their share of all unshipped orders", "sum(max by (promise) ({\"dispatch.promises\"})) / sum(max by (state) ({\"dispatch.orders\",state!=\"shipped\"}))"],
    ["Attempts by outcome and number", "sum by (outcome, attempt) (increase({\"dispatch.attempts\"}[5m]))"],
    ["Steps that were tried again, by source", "sum by (source) (increase({\"dispatch.attempts\",attempt!=\"1\"}[5m]))"],
    ["Parked by source and code", "sum by (source, code) (increase({\"dispatch.parked\"}[5m]))"],
    ["Dead letters that are open", "max({\"dispatch.letters\"})"],
    ["Breakers by carrier: 0 called, 1 tried, 2 not called", "max by (carrier) ({\"dispatch.breaker\"})"],
    ["Calls to carriers a second, by outcome", "sum by (carrier, outcome) (rate({\"dispatch.carrier.calls\"}[5m]))"],
    ["Time of a step, p95, by function, s", "histogram_quantile(0.95, sum by (function, le) (rate({\"dispatch.step.duration_bucket\"}[5m])))"],
    ["Software cost of an order, USD", "sum(rate({\"dispatch.software.cost\"}[1h])) / (avg(avg_over_time({\"dispatch.orders.accepted\"}[1h])) / 60)"],
    ["Software cost by function, USD an hour", "sum by (function) (increase({\"dispatch.software.cost\"}[1h]))"],
  ]
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = "Dispatch"
    mosaicLayout = {
      columns = 48
      tiles = [
        for number, chart in concat(local._charts, var.telemetry == "google" ? local._told : []) : {
          xPos   = (number % 3) * 16
          yPos   = floor(number / 3) * 16
          width  = 16
          height = 16
          widget = {
            title = chart[0]
            xyChart = {
              dataSets = [{ plotType = "LINE", timeSeriesQuery = { prometheusQuery = chart[1] } }]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_project_service.needed]
}
