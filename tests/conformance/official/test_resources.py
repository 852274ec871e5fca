from tests.conformance.test_pubsub_resources import *  # noqa: F403
