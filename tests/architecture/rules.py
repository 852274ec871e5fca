"""Rules of our own: each finds the lines of a module that break it.

A rule looks at the syntax tree, so it sees what is written and not what happens at run time; it is
there to stop the usual slip, not somebody who wants to get around it.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from emulators.laptop.atlas import statements
from tests.architecture.source import PRODUCT, Module

MOST_LINES = 450
MOST_LINES_OF_MAIN = 40

CLOCK_CALLS = frozenset(
    f"{owner}.{name}"
    for owner, names in {
        "datetime": ("now", "utcnow", "today"),
        "datetime.datetime": ("now", "utcnow", "today"),
        "date": ("today",),
        "datetime.date": ("today",),
        "time": ("time", "time_ns", "localtime", "gmtime", "sleep"),
    }.items()
    for name in names
)
CLOCK_SQL = re.compile(
    r"\b(now\(\)|(clock|statement|transaction)_timestamp\(\)|current_(date|timestamp)\b)",
    re.IGNORECASE,
)
HTTP_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})
HTTP_CLIENTS = frozenset({"http.client", "urllib.request", "httpx", "aiohttp"})
GOOGLE_CLIENTS = re.compile(r"google\.(cloud|pubsub_v1)")


@dataclass(frozen=True, slots=True)
class Rule:
    """`find` yields the lines that break the rule; `excused` names modules that may, and why."""

    find: Callable[[Module], Iterator[int]]
    folders: tuple[str, ...] = PRODUCT
    excused: Mapping[str, str] = field(default_factory=dict)

    def broken_by(self, module: Module) -> list[int]:
        """The lines of `module` that break the rule, where it has to keep it."""
        if module.path in self.excused or not module.path.startswith(self.folders):
            return []
        return sorted(self.find(module))


def clock(module: Module) -> Iterator[int]:
    """The machine is asked for the time, in Python or in SQL."""
    for call in _calls(module):
        if ast.unparse(call.func) in CLOCK_CALLS:
            yield call.lineno
    if any(CLOCK_SQL.search(text) for text in statements(module.tree)):
        yield 1


def binary_fraction(module: Module) -> Iterator[int]:
    """A float, or a division that makes one."""
    for node in ast.walk(module.tree):
        match node:
            case (
                ast.Constant(value=float())
                | ast.Name(id="float")
                | ast.BinOp(op=ast.Div())
                | ast.AugAssign(op=ast.Div())
            ):
                yield node.lineno


def built_sql(module: Module) -> Iterator[int]:
    """SQL that is put together where it is declared, instead of being written."""
    for call in _calls(module):
        if ast.unparse(call.func) in {"text", "sqlalchemy.text", "sa.text"}:
            literal = call.args and isinstance(call.args[0], ast.Constant)
            if not literal:
                yield call.lineno


def broad_except(module: Module) -> Iterator[int]:
    """Everything is caught, the mistakes included; the edge may, for it answers for the process."""
    if module.path.startswith("shared/edge/"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "BaseException"
            if re.search(r"\b(Base)?Exception\b", caught):
                yield node.lineno


def no_timeout(module: Module) -> Iterator[int]:
    """A call over the network that would wait for ever."""
    speaks_grpc = any(GOOGLE_CLIENTS.match(name) for name in _imported(module))
    for call in _calls(module):
        name = ast.unparse(call.func)
        owner, _, verb = name.rpartition(".")
        calls_out = (
            (owner in {"requests", "httpx"} and verb in HTTP_VERBS)
            or verb in {"urlopen", "HTTPConnection", "HTTPSConnection"}
            or (speaks_grpc and owner.endswith("client"))
        )
        if calls_out and not any(word.arg == "timeout" for word in call.keywords):
            yield call.lineno
        if verb == "EasyPostClient" and len(call.args) < 3:
            yield call.lineno


def own_http(module: Module) -> Iterator[int]:
    """HTTP is spoken without the limits that platform/http.py keeps."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                found = {alias.name for alias in names}
            case ast.ImportFrom(module=str(name), names=names):
                found = {name, *(f"{name}.{alias.name}" for alias in names)}
            case _:
                continue
        if found & HTTP_CLIENTS:
            yield node.lineno


def printing(module: Module) -> Iterator[int]:
    """Something is printed that no log can sort."""
    for call in _calls(module):
        if ast.unparse(call.func) in {"print", "pprint", "pprint.pprint"}:
            yield call.lineno


def too_long(module: Module) -> Iterator[int]:
    """More than one head can hold."""
    if module.text.count("\n") > MOST_LINES:
        yield MOST_LINES


def thick_entry(module: Module) -> Iterator[int]:
    """An entry point that does more than decode, call a flow and answer; imports are no work."""
    if not module.path.endswith("/main.py"):
        return
    imports = (node for node in module.tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    imported = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in imports)
    if module.text.count("\n") - imported > MOST_LINES_OF_MAIN:
        yield MOST_LINES_OF_MAIN


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "time is an argument": Rule(
            clock, excused={"shared/kit/clock.py": "the one place that asks the machine"}
        ),
        "money is counted in whole cents": Rule(
            binary_fraction, folders=("shared/costing/", "shared/kit/money.py")
        ),
        "SQL is written, not built": Rule(
            built_sql,
            excused={
                "shared/orders/store.py": "two statements share one list of columns",
                "shared/orders/company.py": "one definition of whose company an order has",
                "shared/shipments/store.py": "two statements share one list of columns",
                "shared/holds/store.py": "four statements share one list of columns",
                "shared/ops/channel_promises.py": "one definition of what a channel was promised",
                "shared/ops/availability.py": "the same definition, for a whole catalogue",
                "shared/platform/outbox.py": "one claim, with and without a list of lanes",
                "shared/platform/db.py": "joins the constants of the stores into one statement",
                "shared/ops/cost_reports.py": "six reports share one account of each parcel",
                "shared/ops/service_reports.py": "a day is counted alike to be shown and kept",
                "shared/ops/refusals.py": "a day is counted alike to be shown and kept",
                "shared/platform/narrowed.py": "joins constant conditions into a statement",
                "shared/ops/order_list.py": "what is not asked for is no part of the statement",
                "shared/ops/standing_still.py": "each way to stand is part of two conditions",
                "shared/ops/stock_list.py": "what is not asked for is no part of the statement",
                "shared/ops/auditor.py": "puts a limit around every rule, all constants",
            },
        ),
        "only the edge catches everything": Rule(broad_except),
        "every call over the network ends": Rule(no_timeout),
        "HTTP is spoken in one place": Rule(
            own_http, excused={"shared/platform/http.py": "the place, with its limits"}
        ),
        "nothing is printed": Rule(printing),
        "an entry point is thin": Rule(thick_entry, folders=("functions/",)),
        "a module fits in a head": Rule(
            too_long,
            folders=("functions/", "shared/", "emulators/", "tests/"),
        ),
    }
)


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def _imported(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
