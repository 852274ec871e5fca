from tests.conformance.test_pubsub_pull import *  # noqa: F403
