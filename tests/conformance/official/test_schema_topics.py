from tests.conformance.test_pubsub_schema_topics import *  # noqa: F403
