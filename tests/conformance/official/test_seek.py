from tests.conformance.test_pubsub_seek import *  # noqa: F403
