"""Metrics as they stand: the last value of every series, shown in Prometheus's text form.

Source of the form: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4; of
the names: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)

from emulators.google.telemetry.spans import facts

_UNITS = {"s": "seconds", "1": "ratio", "By": "bytes", "USD": "usd"}

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Buckets:
    edges: Sequence[float] = ()
    counts: list[int] = field(default_factory=list)
    total: float = 0.0


@dataclass(slots=True)
class _Series:
    """A metric: by labels, and by the process that counts, what it said last."""

    kind: str
    unit: str
    about: str
    numbers: dict[Labels, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    buckets: dict[Labels, dict[str, _Buckets]] = field(default_factory=lambda: defaultdict(dict))


class Figures:
    """What was received, by metric. A gauge is whoever told it last; a counter adds up."""

    def __init__(self) -> None:
        self._series: dict[str, _Series] = {}

    def take(self, body: bytes) -> int:
        """Read an ExportMetricsServiceRequest. Returns how many points were not understood.

        Raises:
            DecodeError: it is none.
        """
        refused = 0
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            told = facts(resource.resource.attributes)
            instance = str(told.get("service.instance.id", ""))
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    refused += self._put(metric, instance)
        return refused

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        return "".join(line + "\n" for name in sorted(self._series) for line in self._lines(name))

    def _put(self, metric: Metric, instance: str) -> int:
        kind = metric.WhichOneof("data")
        if kind == "gauge":
            series = self._of(metric, "gauge")
            for point in metric.gauge.data_points:
                # Of several processes the last one knows best.
                series.numbers[_labels(point)] = {"": _number(point)}
            return 0
        if kind == "sum" and metric.sum.aggregation_temporality == (
            AGGREGATION_TEMPORALITY_CUMULATIVE
        ):
            series = self._of(metric, "counter" if metric.sum.is_monotonic else "gauge")
            for point in metric.sum.data_points:
                series.numbers[_labels(point)][instance] = _number(point)
            return 0
        if kind == "histogram" and metric.histogram.aggregation_temporality == (
            AGGREGATION_TEMPORALITY_CUMULATIVE
        ):
            series = self._of(metric, "histogram")
            for bar in metric.histogram.data_points:
                series.buckets[_labels(bar)][instance] = _Buckets(
                    tuple(bar.explicit_bounds), list(bar.bucket_counts), bar.sum
                )
            return 0
        return 1

    def _of(self, metric: Metric, kind: str) -> _Series:
        return self._series.setdefault(metric.name, _Series(kind, metric.unit, metric.description))

    def _lines(self, name: str) -> Iterator[str]:
        series = self._series[name]
        shown = _shown(name, series)
        yield f"# HELP {shown} {_escaped(series.about)}"
        yield f"# TYPE {shown} {series.kind}"
        for labels, by_instance in sorted(series.numbers.items()):
            yield f"{shown}{_braces(labels)} {sum(by_instance.values()):.15g}"
        for labels, bars in sorted(series.buckets.items()):
            yield from _histogram(shown, labels, list(bars.values()))


def _histogram(name: str, labels: Labels, bars: Sequence[_Buckets]) -> Iterator[str]:
    edges = bars[0].edges
    alike = [bar for bar in bars if bar.edges == edges]  # edges are the code's: one version
    below = 0
    for position, edge in enumerate(edges):
        below += sum(bar.counts[position] for bar in alike)
        yield f"{name}_bucket{_braces((*labels, ('le', f'{edge:g}')))} {below}"
    count = sum(sum(bar.counts) for bar in alike)
    yield f"{name}_bucket{_braces((*labels, ('le', '+Inf')))} {count}"
    yield f"{name}_sum{_braces(labels)} {sum(bar.total for bar in alike):.15g}"
    yield f"{name}_count{_braces(labels)} {count}"


def _shown(name: str, series: _Series) -> str:
    plain = re.sub(r"\W", "_", name)
    unit = _UNITS.get(series.unit, "")
    if series.kind == "counter" and unit == "ratio":
        unit = ""
    suffix = f"_{unit}" if unit and not plain.endswith(unit) else ""
    return f"{plain}{suffix}{'_total' if series.kind == 'counter' else ''}"


def _labels(point: NumberDataPoint | HistogramDataPoint) -> Labels:
    told = facts(point.attributes)
    return tuple(sorted((re.sub(r"\W", "_", name), str(told[name])) for name in told))


def _number(point: NumberDataPoint) -> float:
    return point.as_double if point.WhichOneof("value") == "as_double" else point.as_int


def _braces(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
