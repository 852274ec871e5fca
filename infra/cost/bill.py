"""What a month costs, component by component: a pure reckoning from prices, sizes and a volume.

A figure is what Google lists, not what an invoice says: discounts, traffic to the outside and
support are not in it. What a parcel causes was counted in the code: which events are told, and
which of them a subscription lets through.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

HOURS = 730.0  # of a month
MONTH_S = HOURS * 3_600
DAYS = MONTH_S / 86_400
FOLDER = Path(__file__).parent
TIB, GIB, MILLION = 2.0**40, 2.0**30, 1e6
VIEWERS_AT_ONCE = 250  # of one instance of ops_stream
LOOKS_S = 840.0  # how long an answer goes on before the page asks again


@dataclass(frozen=True, slots=True)
class Kind:
    """What one unit of volume causes."""

    name: str
    published: float  # messages
    delivered: float  # pushes, after filters
    tasks: float
    attempts: float  # of a task
    requests: float  # from outside: webhooks and the API
    message_bytes: float
    request_s: float  # how long a function takes, in the mean
    log_bytes: float  # of Cloud Run's own line and ours, for a request
    rows_bytes: float  # kept in the database
    document_bytes: float


# An order of one parcel: submitted, accepted, placed, planned, charged, labelled, closed, and five
# reports of its carrier, each told on; placed and labelled by a task each.
PARCEL = Kind("parcel", 17, 8, 2, 1.05, 5, 1_200, 0.15, 1_500, 12_000, 60_000)
# A decision alone, as a shop asks for it that has its own warehouse system: one task, two events.
DISPATCH = Kind("dispatch", 2, 2, 1, 1.05, 0, 1_200, 0.15, 600, 0, 0)


@dataclass(frozen=True, slots=True)
class Size:
    """How large things are.

    Attributes:
        requests_at_once: what an instance answers side by side.
        viewers: how many people have a page open that is kept up to date, at the same time.
        viewed_hours: how long on a day anybody has.
    """

    about: str
    most_parcels: int
    warm_instances: int
    requests_at_once: float
    database_vcpus: int
    database_gib: int
    database_gb: int
    regional: bool
    enterprise_plus: bool
    viewers: int
    viewed_hours: float
    vcpus: float = 1.0
    gib: float = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """One component of the bill."""

    component: str
    amount: float
    because: str


Prices = Mapping[str, float]


def prices(path: Path = FOLDER / "prices.json") -> tuple[str, str, Prices]:
    """The day that the prices are of, their currency, and the prices by name."""
    found = json.loads(path.read_text())
    values = {name: float(price["value"]) for name, price in found["prices"].items()}
    return found["as_of"], found["currency"], values


def sizes(path: Path = FOLDER / "sizes.json") -> dict[str, Size]:
    """The sizes by name, the smallest first."""
    return {name: Size(**values) for name, values in json.loads(path.read_text()).items()}


def fitting(volume: float, found: Mapping[str, Size]) -> str:
    """The name of the smallest size for this volume a month.

    Raises:
        ValueError: none is large enough.
    """
    for name, size in found.items():
        if volume <= size.most_parcels:
            return name
    most = max(size.most_parcels for size in found.values())
    raise ValueError(f"{volume:,.0f} a month are more than the largest size is for, {most:,}")


def bill(
    volume: float, kind: Kind, size: Size, price: Prices, schedules: Sequence[str]
) -> list[Line]:
    """What a month costs.

    Args:
        volume: how many of `kind` a month.
        kind: what each of them causes.
        size: of instances and database.
        price: by name.
        schedules: of the jobs that run by the clock.
    """
    pushes = volume * kind.delivered
    attempts = volume * kind.tasks * kind.attempts
    requests = pushes + attempts + volume * kind.requests
    requests += sum(map(runs_a_month, schedules))
    return [
        _functions(requests, kind, size, price),
        _warm(size, price),
        _viewers(size, price),
        _pubsub(volume, kind, price),
        _tasks(volume * kind.tasks + attempts, price),
        _clock(len(schedules), price),
        _balancer(price),
        _database(size, price),
        _backups(size, price),
        _logs(requests, kind, price),
        _documents(volume, kind, price),
    ]


def _functions(requests: float, kind: Kind, size: Size, price: Prices) -> Line:
    busy_s = requests * kind.request_s / size.requests_at_once
    vcpu_s = _beyond(busy_s * size.vcpus, price["run_free_vcpu_s"])
    gib_s = _beyond(busy_s * size.gib, price["run_free_gib_s"])
    charged = _beyond(requests, price["run_free_requests"])
    amount = (
        vcpu_s * price["run_vcpu_s"]
        + gib_s * price["run_gib_s"]
        + charged / MILLION * price["run_million_requests"]
    )
    return Line("functions", amount, f"{requests / MILLION:,.1f} M requests")


def _warm(size: Size, price: Prices) -> Line:
    an_hour = size.vcpus * price["run_idle_vcpu_s"] + size.gib * price["run_idle_gib_s"]
    amount = size.warm_instances * MONTH_S * an_hour
    return Line("warm instances", amount, f"{size.warm_instances} kept warm")


def _viewers(size: Size, price: Prices) -> Line:
    # An instance that holds one answer open is paid like one that is busy, however many it holds;
    # what is free of charge is used up by the other functions. All instances have viewers.
    instances = ceil(size.viewers / VIEWERS_AT_ONCE)
    an_hour = 3_600 * (size.vcpus * price["run_vcpu_s"] + size.gib * price["run_gib_s"])
    requests = size.viewers * size.viewed_hours * DAYS * 3_600 / LOOKS_S
    amount = instances * size.viewed_hours * DAYS * an_hour
    amount += requests / MILLION * price["run_million_requests"]
    told = f"{size.viewers} people look on, {size.viewed_hours:g} hours a day"
    return Line("live pages", amount, f"{told}: {instances} busy")


def _pubsub(volume: float, kind: Kind, price: Prices) -> Line:
    each = max(kind.message_bytes, price["pubsub_least_bytes"])
    moved = volume * (kind.published + kind.delivered) * each
    charged = _beyond(moved, price["pubsub_free_gib"] * GIB)
    amount = charged / TIB * price["pubsub_tib"]
    return Line("events", amount, f"{moved / GIB:,.0f} GiB published and delivered")


def _tasks(operations: float, price: Prices) -> Line:
    charged = _beyond(operations, price["tasks_free_operations"])
    amount = charged / MILLION * price["tasks_million_operations"]
    return Line("tasks", amount, f"{operations / MILLION:,.1f} M creations and attempts")


def _clock(jobs: int, price: Prices) -> Line:
    charged = _beyond(jobs, price["scheduler_free_jobs"])
    return Line("clock", charged * price["scheduler_job"], f"{jobs} jobs")


def _balancer(price: Prices) -> Line:
    return Line("balancer", HOURS * price["balancer_h"], "before the console")


def _database(size: Size, price: Prices) -> Line:
    copies = 2 if size.regional else 1
    factor = price["sql_enterprise_plus"] if size.enterprise_plus else 1.0
    an_hour = size.database_vcpus * price["sql_vcpu_h"] + size.database_gib * price["sql_gib_h"]
    amount = copies * (HOURS * an_hour * factor + size.database_gb * price["sql_ssd_gb"])
    edition = "Enterprise Plus" if size.enterprise_plus else "Enterprise"
    where = "in two zones" if size.regional else "in one zone"
    told = f"{size.database_vcpus} vCPU, {size.database_gib} GiB, {size.database_gb} GB"
    return Line("database", amount, f"{edition}, {told}, {where}")


def _backups(size: Size, price: Prices) -> Line:
    # Each backup holds what has changed; all of them together about as much as the disk.
    return Line(
        "backups", size.database_gb * price["sql_backup_gb"], "fourteen days, and every moment"
    )


def _logs(requests: float, kind: Kind, price: Prices) -> Line:
    written = requests * kind.log_bytes
    charged = _beyond(written, price["logging_free_gib"] * GIB)
    return Line("logs", charged / GIB * price["logging_gib"], f"{written / GIB:,.0f} GiB")


def _documents(volume: float, kind: Kind, price: Prices) -> Line:
    # Labels are kept for two years, so that many months lie there at once.
    kept_gb = volume * kind.document_bytes * 24 / 1e9
    return Line("documents", kept_gb * price["storage_gb"], f"{kept_gb:,.0f} GB after two years")


def runs_a_month(schedule: str) -> float:
    """How often a job runs that says only minutes and hours, as ours do.

    Raises:
        ValueError: it says more, or in another way.
    """
    minute, hour, *rest = schedule.split()
    if rest != ["*", "*", "*"]:
        raise ValueError(f"{schedule!r}: days and months are not reckoned here")
    return _times(minute, 60, schedule) * _times(hour, 24, schedule) * DAYS


def _times(field: str, most: int, schedule: str) -> float:
    if field == "*":
        return most
    if step := re.fullmatch(r"\*/(\d+)", field):
        return most / int(step[1])
    if step := re.fullmatch(r"(\d+)-(\d+)/(\d+)", field):
        return len(range(int(step[1]), int(step[2]) + 1, int(step[3])))
    if re.fullmatch(r"\d+(,\d+)*", field):
        return field.count(",") + 1
    raise ValueError(f"{schedule!r}: {field!r} is not reckoned here")


def _beyond(amount: float, free: float) -> float:
    return max(amount - free, 0.0)
