from tests.conformance.test_pubsub_updates import *  # noqa: F403
