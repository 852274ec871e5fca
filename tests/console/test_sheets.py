"""Tables to take away."""

import csv
import io

import pytest

from shared.contracts.base import Document
from shared.edge.console.routes import View
from shared.edge.console.sheets import MOST_PAGES, collected, text_of
from shared.edge.console.table import all_routes
from shared.platform.db import Database
from tests.console.browser import Browser
from tests.letters.letters import dead, park
from tests.support import given

VIEWS = [route for route in all_routes() if isinstance(route, View)]
LISTS = [view for view in VIEWS if view.rows is not None and "{" not in view.path]


class Row(Document):
    name: str
    places: tuple[str, ...] = ()
    units: int | None = None


class Asked(Document):
    cursor: str = ""


class Page(Document):
    rows: tuple[Row, ...]
    next: str | None = None


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_table_has_every_page_from_where_it_was_asked_on() -> None:
    pages = {"": Page(rows=(Row(name="a"),), next="b"), "b": Page(rows=(Row(name="b"),))}

    def show(asked: Document | None) -> Document:
        assert isinstance(asked, Asked)
        return pages[asked.cursor]

    sheet = collected(show, Asked(), "rows")

    assert read(text_of(sheet)) == [["name", "places", "units"], ["a", "", ""], ["b", "", ""]]


def test_an_endless_list_ends_and_says_so() -> None:
    endless = Page(rows=(Row(name="a"),), next="more")

    rows = read(text_of(collected(lambda _asked: endless, Asked(), "rows")))

    assert len(rows) == MOST_PAGES + 2
    assert rows[-1][0].startswith("There is more than a table has")


def test_nothing_in_a_table_is_a_formula() -> None:
    page = Page(rows=(Row(name="=1+1", places=("@SUM", "BER")), Row(name="a, “b”\nc", units=-3)))

    rows = read(text_of(collected(lambda _asked: page, None, "rows")))

    assert rows[1:] == [["'=1+1", "'@SUM BER", ""], ["a, “b”\nc", "", "-3"]]


def test_what_has_no_columns_of_its_own_stands_in_one_cell() -> None:
    class Act(Document):
        who: Row
        after: dict[str, int]
        more: tuple[dict[str, int], ...] = ()

    class Acts(Document):
        rows: tuple[Act, ...]

    page = Acts(rows=(Act(who=Row(name="ada"), after={"on hand": 3}, more=({"EUR": 1},)),))

    assert read(text_of(collected(lambda _asked: page, None, "rows"))) == [
        ["name", "places", "units", "after", "more"],
        ["ada", "", "", '{"on hand": 3}', '{"EUR": 1}'],
    ]


def test_an_empty_list_is_a_table_with_a_head() -> None:
    assert read(text_of(collected(lambda _asked: Page(rows=()), None, "rows"))) == [
        ["name", "places", "units"]
    ]


@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.name)
def test_every_list_links_to_its_table(operator: Browser, placed: Database, view: View) -> None:
    given.apply(placed, park, dead())

    operator.get(view.path)
    is_linked = f'href="{view.path}?' in operator.page and "as=csv" in operator.page
    assert is_linked or 'name="as" value="csv"' in operator.page
    answer = operator.get(f"{view.path}?as=csv")

    assert (answer.status_code, answer.content_type) == (200, "text/csv; charset=utf-8")
    assert len(read(operator.page)[0]) >= 3
