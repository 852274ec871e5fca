mock_provider "google" {}

variables {
  domain = "console.example.com"
  functions = {
    ops        = { service = "ops", path = "/" }
    ops_stream = { service = "ops-stream", path = "/live" }
  }
  people         = ["group:logistics@example.com"]
  project_number = "123456789012"
  region         = "europe-west1"
}

run "live_updates_are_led_to_a_function_of_their_own" {
  # Nothing is made: the stand-in makes ids up, by which one backend is told from the other.
  command = apply

  module {
    source = "./modules/console"
  }

  assert {
    condition     = google_compute_url_map.https.path_matcher[0].default_service == google_compute_backend_service.of["ops"].id
    error_message = "Whatever has no path of its own goes to the console."
  }

  assert {
    condition = [
      for rule in google_compute_url_map.https.path_matcher[0].path_rule : [tolist(rule.paths), rule.service]
    ] == [[tolist(["/live"]), google_compute_backend_service.of["ops_stream"].id]]
    error_message = "/live goes to the stream, and nothing else does."
  }

  assert {
    condition = alltrue([
      for name, backend in google_compute_backend_service.of :
      one(backend.backend).group == google_compute_region_network_endpoint_group.of[name].id
    ])
    error_message = "A backend is the function that it is named after."
  }

  assert {
    condition     = google_compute_target_https_proxy.this.url_map == google_compute_url_map.https.id && google_compute_target_http_proxy.this.url_map == google_compute_url_map.http.id
    error_message = "Only what is encrypted is led on; everything else is sent there."
  }

  assert {
    condition = [for name in sort(keys(output.proxies)) : output.proxies[name].audience] == [
      for name in ["ops", "ops_stream"] : "/projects/123456789012/global/backendServices/${google_compute_backend_service.of[name].generated_id}"
    ]
    error_message = "The proxy's word for one function is not taken by the other."
  }
}

run "without_people_there_is_no_proxy" {
  command = plan

  module {
    source = "./modules/console"
  }

  variables {
    people = []
  }

  assert {
    condition     = !google_compute_backend_service.of["ops"].iap[0].enabled && alltrue([for proxy in values(output.proxies) : proxy == null])
    error_message = "Nobody who is let through by name: people sign in with a password."
  }
}

run "somebody_answers_whatever_has_no_path_of_its_own" {
  command = plan

  module {
    source = "./modules/console"
  }

  variables {
    functions = { ops_stream = { service = "ops-stream", path = "/live" } }
  }

  expect_failures = [var.functions]
}

run "a_path_leads_to_one_function" {
  command = plan

  module {
    source = "./modules/console"
  }

  variables {
    functions = {
      ops   = { service = "ops", path = "/" }
      one   = { service = "one", path = "/live" }
      other = { service = "other", path = "/live" }
    }
  }

  expect_failures = [var.functions]
}
