from tests.conformance.test_pubsub_retry import *  # noqa: F403
