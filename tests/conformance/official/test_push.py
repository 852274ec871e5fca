from tests.conformance.test_pubsub_push import *  # noqa: F403
