"""What the product has announced, against what came to topics and queues."""

from collections import defaultdict
from collections.abc import Iterator

from emulators.simulation.database import Query
from emulators.simulation.post import Post
from shared.ops.auditor import Violation

IN_ORDER = "announced events come to their topic in order"
_NEW = """
    SELECT outbox_id, kind, destination, ordering_key, event_id FROM simulation.announced
     WHERE outbox_id > %s ORDER BY outbox_id
"""

Lane = tuple[str, str]  # topic, ordering key


class Announced:
    """All that was ever announced. Only what is new is read, so that looking often costs little."""

    def __init__(self) -> None:
        self._events: dict[Lane, list[str]] = defaultdict(list)
        self._work: dict[str, None] = {}
        self._last_id = 0

    def not_as_told(self, query: Query, post: Post, *, in_the_end: bool) -> Iterator[Violation]:
        """What came otherwise than it was announced; what has not come yet, only `in_the_end`."""
        self._read(query)
        topics = {topic for topic, _ in self._events}
        came = {lane: list(ids) for lane, ids in post.published.items() if lane[0] in topics}
        for lane in sorted(self._events.keys() | came.keys()):
            told, ours = self._events.get(lane, []), came.get(lane, [])
            if ours != (told if in_the_end else told[: len(ours)]):
                yield Violation(IN_ORDER, "/".join(lane), ", ".join(ours), ", ".join(told))
        lost = sorted(self._work.keys() - post.added.keys()) if in_the_end else []
        for event_id in (*sorted(post.added.keys() - self._work.keys()), *lost):
            where = "its queue" if event_id in post.added else "the outbox"
            yield Violation("work comes to its queue", event_id, f"in {where} alone", "in both")

    def _read(self, query: Query) -> None:
        for outbox_id, kind, destination, key, event_id in query(_NEW, self._last_id):
            self._last_id = outbox_id
            if kind == "topic":
                self._events[destination, key].append(event_id)
            else:
                self._work[event_id] = None
