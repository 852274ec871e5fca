from tests.conformance.test_pubsub_streaming import *  # noqa: F403
