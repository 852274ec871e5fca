from tests.conformance.test_pubsub_filters import *  # noqa: F403
