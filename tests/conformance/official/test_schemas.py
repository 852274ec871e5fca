from tests.conformance.test_pubsub_schemas import *  # noqa: F403
