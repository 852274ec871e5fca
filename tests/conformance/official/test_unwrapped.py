from tests.conformance.test_pubsub_unwrapped import *  # noqa: F403
