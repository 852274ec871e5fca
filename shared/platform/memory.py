"""When Python looks for garbage in cycles."""

import gc

# Some hundred orders are made of fewer objects. With Python's own 700 the collector walked through
# them over and over while they were in use, for a tenth of the processor time of a batch; through
# what imports leave it walked for a sixth of theirs.
YOUNG_OBJECTS = 50_000


def collect_rarely() -> None:
    """Look for cycles only after many objects were made; all else is freed at once, as always."""
    _, *older = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *older)
