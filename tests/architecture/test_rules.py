"""The rules of our own hold, and each of them has teeth."""

import pytest

from tests.architecture.rules import RULES
from tests.architecture.source import OURS, Module, modules

# rule -> (where, what breaks it, what keeps it)
EXAMPLES = {
    "time is an argument": (
        "shared/flows/example.py",
        (
            "def f(): return datetime.now(UTC)",
            "def f(): return datetime.datetime.utcnow()",
            "def f(): return time.time()",
            "def f(): time.sleep(1)",
            "Q = text('SELECT 1 FROM orders WHERE placed_at < now()')",
            "Q = f'UPDATE orders SET placed_at = CURRENT_TIMESTAMP {x}'",
        ),
        (
            "def f(now): return now",
            "def f(): return time.monotonic()",
            "def f():\n    '''What the database calls now().'''",
            "Q = text('SELECT 1 FROM orders WHERE placed_at < :now')",
        ),
    ),
    "money is counted in whole cents": (
        "shared/costing/example.py",
        (
            "TAX = 0.2",
            "def f(cents): return cents / 100",
            "cents /= 100",
            "def f(x): return float(x)",
        ),
        ("TAX = Decimal('0.2')", "def f(cents): return cents // 100"),
    ),
    "SQL is written, not built": (
        "shared/stock/example.py",
        (
            "Q = text(f'SELECT {name}')",
            "Q = text('SELECT %s' % name)",
            "Q = text('SELECT ' + name)",
            "Q = text('SELECT {}'.format(name))",
            "Q = sqlalchemy.text(query)",
        ),
        ("Q = text('SELECT :name')", "Q = context(f'{name}')"),
    ),
    "only the edge catches everything": (
        "shared/flows/example.py",
        (
            "try: f()\nexcept Exception: pass",
            "try: f()\nexcept (ValueError, Exception) as e: pass",
            "try: f()\nexcept: pass",
        ),
        ("try: f()\nexcept ValueError: pass",),
    ),
    "every call over the network ends": (
        "shared/platform/example.py",
        (
            "requests.get(url)",
            "urllib.request.urlopen(url)",
            "from google.cloud.tasks_v2 import C\nself._client.create_task(r)",
            "EasyPostClient(key, base)",
        ),
        (
            "requests.get(url, timeout=5)",
            "urllib.request.urlopen(url, timeout=5)",
            "from google.cloud.tasks_v2 import C\nclient.create_task(r, timeout=1)",
            "self._client.ask(r)",
            "EasyPostClient(key, base, timeout_s)",
        ),
    ),
    "HTTP is spoken in one place": (
        "shared/flows/example.py",
        (
            "import http.client",
            "from http import client",
            "from http.client import HTTPSConnection",
            "import urllib.request",
            "from urllib import request",
        ),
        ("from http import HTTPStatus", "from urllib.parse import urlsplit"),
    ),
    "nothing is printed": (
        "shared/flows/example.py",
        ("print('here')", "pprint.pprint(x)"),
        ("log.line('here')",),
    ),
    "an entry point is thin": (
        "functions/example/main.py",
        ("\n" * 41,),
        ("\n" * 40,),
    ),
    "a module fits in a head": (
        "shared/flows/example.py",
        ("\n" * 451,),
        ("\n" * 450,),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_the_house_keeps_the_rule(name: str) -> None:
    rule = RULES[name]
    broken = [f"{m.path}:{line}" for m in modules(*OURS) for line in rule.broken_by(m)]

    assert broken == []


@pytest.mark.parametrize("name", RULES)
def test_the_rule_finds_what_breaks_it_and_nothing_else(name: str) -> None:
    rule = RULES[name]
    path, breaking, keeping = EXAMPLES[name]

    assert [text for text in breaking if not rule.broken_by(Module(path, text))] == []
    assert [text for text in keeping if rule.broken_by(Module(path, text))] == []


@pytest.mark.parametrize("name", RULES)
def test_no_module_is_excused_that_keeps_the_rule(name: str) -> None:
    rule = RULES[name]
    excused = [m for m in modules(*OURS) if m.path in rule.excused]

    assert {m.path for m in excused if any(rule.find(m))} == rule.excused.keys()
