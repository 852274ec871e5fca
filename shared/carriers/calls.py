"""A call to a carrier, as those who look from outside see it: how long it took, how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.kit.errors import DispatchError
from shared.platform import metrics, trace


@contextmanager
def called(what: str, carrier: str, label_id: str) -> Iterator[None]:
    """One call, made in this block."""
    with trace.span(f"carrier {what}", "client", carrier=carrier, label_id=label_id) as span:
        outcome = "answered"
        try:
            yield
        except DispatchError as error:
            outcome = error.code
            raise
        finally:
            span.note(outcome=outcome)
            metrics.measure("dispatch.carrier.calls", 1, carrier=carrier, outcome=outcome)
