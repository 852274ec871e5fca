mock_provider "google" {}

variables {
  name           = "order_costing"
  project        = "dispatch-test"
  project_number = "123456789012"
  region         = "europe-west1"
  image          = "europe-west1-docker.pkg.dev/p/r/i@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  environment    = {}
  secrets        = {}
  network        = { network = "n", subnetwork = "s" }
  size           = { cpu = 1, memory = "512Mi", min_instances = 0, max_instances = 4, pool = 8 }

  audience          = "https://dispatch.test"
  deployer          = "serviceAccount:pipeline-release@dispatch-test.iam.gserviceaccount.com"
  event_caller      = "event-caller@dispatch-test.iam.gserviceaccount.com"
  callers           = ["shop@dispatch-test.iam.gserviceaccount.com"]
  topics            = { parcel-events = "parcel-events", dead-letters = "dead-letters" }
  dead_letter_topic = "dead-letters"

  manifest = {
    description = "Charges."
    trigger = {
      kind          = "pubsub"
      subscriptions = [{ topic = "parcel-events", lane = "express", ordered = true }]
      retry         = { min_backoff_s = 1, max_backoff_s = 60, max_attempts = 100 }
    }
    limits = { concurrency = 8, timeout_s = 5, max_instances = 10 }
  }
}

run "a_topic_is_pushed_signed_and_in_order" {
  command = plan

  module {
    source = "./modules/function"
  }

  assert {
    condition     = google_pubsub_subscription.of["order_costing.parcel-events.express"].ack_deadline_seconds == 10
    error_message = "Pub/Sub waits ten seconds at least."
  }

  assert {
    condition     = google_pubsub_subscription.of["order_costing.parcel-events.express"].push_config[0].push_endpoint == "https://order-costing-123456789012.europe-west1.run.app/"
    error_message = "It is pushed to the function's lasting address."
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.caller) == 0
    error_message = "Who uses the API has no business with a topic."
  }
}

run "an_api_lets_in_who_is_named" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    manifest = {
      description = "Answers."
      trigger     = { kind = "http", public = false }
      limits      = { concurrency = 8, timeout_s = 5, max_instances = 10 }
    }
  }

  assert {
    condition     = keys(google_cloud_run_v2_service_iam_member.caller) == ["shop@dispatch-test.iam.gserviceaccount.com"]
    error_message = "Callers are let in one by one."
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.public) + length(google_cloud_run_v2_service_iam_member.event_caller) == 0
    error_message = "Nobody else is."
  }
}

run "work_has_a_last_attempt" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    manifest = {
      description = "Works."
      trigger = {
        kind   = "tasks"
        queues = { work = { max_per_second = 5, max_concurrent = 2 } }
        retry  = { min_backoff_s = 1, max_backoff_s = 60, max_doublings = 6 }
      }
      limits = { concurrency = 8, timeout_s = 5, max_instances = 10 }
    }
  }

  expect_failures = [var.manifest]
}

run "a_topic_that_is_not_named_is_refused" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    manifest = {
      description = "Hears nothing."
      trigger     = { kind = "pubsub", retry = { min_backoff_s = 1, max_backoff_s = 60 } }
      limits      = { concurrency = 8, timeout_s = 5, max_instances = 10 }
    }
  }

  expect_failures = [var.manifest]
}

run "more_warm_instances_than_there_may_be_are_refused" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    size = { cpu = 1, memory = "512Mi", min_instances = 5, max_instances = 4, pool = 8 }
  }

  expect_failures = [var.size]
}

run "fewer_connections_than_requests_at_once_are_refused" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    size = { cpu = 1, memory = "512Mi", min_instances = 0, max_instances = 4, pool = 7 }
  }

  expect_failures = [google_cloud_run_v2_service.this]
}

run "a_function_whose_requests_wait_for_something_else_says_so" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    size = { cpu = 1, memory = "512Mi", min_instances = 0, max_instances = 4, pool = 4 }
    manifest = {
      description = "Streams."
      trigger     = { kind = "http" }
      limits      = { concurrency = 250, connections = 4, timeout_s = 900, max_instances = 8 }
    }
  }
}
