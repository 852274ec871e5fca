"""The parts of a process, as for the tests of the edge."""

from tests.edge.conftest import caller, issuer, queues, topics

__all__ = ["caller", "issuer", "queues", "topics"]
