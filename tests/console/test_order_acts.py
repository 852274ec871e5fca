"""What a person does to orders beside placing them: to many at once, other lines, and notes."""

import re

import pytest

from shared.people.types import Role
from shared.platform.db import Database
from shared.platform.sql import text
from tests.console.browser import Browser
from tests.people import given as people
from tests.support import given

PAGE = "/orders/ord_1"
LIST = "/orders?state=placed"
STATES = "SELECT order_id, state FROM orders ORDER BY order_id"


@pytest.fixture
def three(placed: Database) -> Database:
    """Orders of one mug each beside the first, all placed."""
    for name in ("ord_2", "ord_3"):
        given.order(placed, name, {"MUG": 1})
        given.place(placed, name)
    return placed


def action(page: str, word: str) -> str:
    """Where the button for the ticked orders sends them."""
    found = re.search(rf'formaction="([^"]*/many/{word}[^"]*)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def tick(browser: Browser, word: str, *order_ids: str, **said: str) -> None:
    """Send the list's form with these orders ticked."""
    shown = re.findall(r'name="as_seen" value="([^"]+)"', browser.page)
    form = browser.page.split('class="many"')[1]
    hidden = dict(re.findall(r'name="(token|key)" value="([^"]+)"', form))
    fields = {**hidden, "order_ids": list(order_ids), "as_seen": shown, **said}
    browser.post(action(browser.page, word), fields)


def results(page: str) -> dict[str, str]:
    """What the page says became of each."""
    rows = re.findall(
        r'<th scope="row" class="mono"><a[^>]*>(\w+)</a></th><td[^>]*>(.*?)</td>', page, re.DOTALL
    )
    return {name: " ".join(re.sub(r"<[^>]+>", " ", said).split()) for name, said in rows}


def test_many_are_done_each_by_itself_and_what_became_of_each_is_shown(
    operator: Browser, three: Database
) -> None:
    operator.get(LIST)
    # Meanwhile one of them is changed by somebody else, and one is no longer what it was.
    three.statement(text("UPDATE parcels SET picked_at = planned_at WHERE order_id = 'ord_2'"))
    three.statement(text("UPDATE orders SET state_reason = 'x' WHERE order_id = 'ord_3'"))

    tick(operator, "hold", "ord_1", "ord_2", "ord_9", reason="a recall")

    became = results(operator.page)
    assert became["ord_1"] == "held"
    assert "picked" in became["ord_2"]
    assert "there is no order ord_9" in became["ord_9"]
    assert given.rows(three, STATES) == [
        ("ord_1", "review"),
        ("ord_2", "placed"),
        ("ord_3", "placed"),
    ]
    assert people.trail(three) == [("ada@example.org", "hold_order", "ord_1", "a recall")]
    assert given.violations(three) == []


def test_what_changed_since_the_list_was_shown_is_left_alone_and_says_how(
    operator: Browser, three: Database
) -> None:
    operator.get(LIST)
    shown = operator.page
    tick(operator, "hold", "ord_1", reason="a recall")
    operator.page = shown.replace('name="key" value="', 'name="key" value="2')

    tick(operator, "cancel", "ord_1", "ord_2", reason="sold out")

    assert results(operator.page) == {
        "ord_1": "stale it was placed when you looked, and is review",
        "ord_2": "cancelled",
    }


def test_the_ticked_are_kept_when_the_reason_is_missing(operator: Browser, three: Database) -> None:
    operator.get(LIST)

    tick(operator, "hold", "ord_2", reason="")

    assert 'value="ord_2" aria-label="Order ord_2" checked' in operator.page
    assert "Nothing was changed." in operator.page
    assert given.rows(three, "SELECT count(*) FROM audit_log") == [(0,)]


def test_nothing_ticked_is_said_beside_the_buttons(operator: Browser, three: Database) -> None:
    operator.get(LIST)

    tick(operator, "hold", reason="a recall")

    assert "Tick at least one order." in operator.page


def test_a_viewer_ticks_nothing(browser: Browser, three: Database) -> None:
    browser.carry(people.session(three, people.user(three, "eve@example.org", Role.VIEWER)))

    browser.get(LIST)

    assert "ord_1" in browser.page
    assert "checkbox" not in browser.page.split('class="scroll"')[1]


def test_other_lines_are_placed_anew_and_kept_in_the_trail(
    operator: Browser, placed: Database
) -> None:
    operator.get(PAGE)
    lines = {
        "lines.0.line_no": "1",
        "lines.0.sku": "MUG",
        "lines.0.quantity": "3",
        "lines.0.unit_price_cents": "900",
        "lines.1.line_no": "2",
        "lines.1.quantity": "",
    }

    done = operator.post(f"{PAGE}/lines", lines, reason="they called")

    assert done.status_code == 303
    assert given.rows(placed, "SELECT sku, quantity FROM order_lines") == [("MUG", 3)]
    assert given.rows(placed, "SELECT state, revision FROM orders") == [("waiting", 1)]
    assert people.trail(placed)[-1][1:] == ("change_lines", "ord_1", "they called")
    given.place(placed, "ord_1")
    assert given.rows(placed, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(placed) == []


def test_a_line_of_nothing_known_changes_nothing(operator: Browser, placed: Database) -> None:
    operator.get(PAGE)
    lines = {
        "lines.0.line_no": "1",
        "lines.0.sku": "NOTHING",
        "lines.0.quantity": "3",
        "lines.0.unit_price_cents": "900",
    }

    refused = operator.post(f"{PAGE}/lines", lines, reason="they called")

    assert refused.status_code == 422
    assert "NOTHING is not in the catalogue" in operator.page
    assert 'value="NOTHING"' in operator.page
    assert given.rows(placed, "SELECT sku, quantity FROM order_lines") == [("MUG", 2)]


def test_lines_that_somebody_else_has_changed_are_shown(
    operator: Browser, placed: Database
) -> None:
    operator.get(PAGE)
    placed.statement(text("UPDATE order_lines SET quantity = 1, allocated = 1"))

    refused = operator.post(f"{PAGE}/cancel", reason="they called")

    assert refused.status_code == 409
    assert "2 × MUG" in operator.page
    assert "1 × MUG" in operator.page


def test_a_note_is_there_for_the_next_one(operator: Browser, placed: Database) -> None:
    operator.get(PAGE)
    placed.statement(text("UPDATE parcels SET picked_at = planned_at"))

    done = operator.post(f"{PAGE}/note", note="calls back at <four>\nafter lunch")

    assert done.status_code == 303
    operator.get(PAGE)
    assert "calls back at &lt;four&gt;\nafter lunch" in operator.page
    assert people.trail(placed)[-1][:3] == ("ada@example.org", "note_order", "ord_1")
    told = given.rows(placed, "SELECT rooms FROM live_changes ORDER BY xid, change_id")
    assert told[-2:] == [(["order:ord_1"],), (["audit", "order:ord_1"],)]


def test_a_note_of_nothing_is_refused(operator: Browser, placed: Database) -> None:
    operator.get(PAGE)

    refused = operator.post(f"{PAGE}/note", note="  ")

    assert refused.status_code == 400
    assert given.rows(placed, "SELECT count(*) FROM order_notes") == [(0,)]


def test_a_list_of_a_warehouse_that_is_not_theirs_looks_on_nowhere_in_it(
    browser: Browser, placed: Database
) -> None:
    # Goal: a page whose stream is refused would say for ever that it reconnects.
    lis = people.user(placed, "lis@example.org", Role.OPERATOR, frozenset({"LIS"}))
    browser.carry(people.session(placed, lis))

    assert browser.get("/orders?warehouse=LIS").status_code == 200
    assert "room=warehouse%3ALIS" in browser.page
    assert browser.get("/orders?warehouse=BER").status_code == 200
    assert "room=warehouse%3ABER" not in browser.page


def test_why_it_was_decided_so_shows_what_was_weighed_and_how_much_may_be_lost(
    operator: Browser, placed: Database
) -> None:
    # Goal: a decision that is not exact says how far off it may be, here as on the command line.
    placed.statement(
        text("""
            UPDATE placement_decisions
               SET receipt = jsonb_set(jsonb_set(jsonb_set(receipt,
                       '{result,exact}', 'false'), '{result,lower_bound_cents}', '300'),
                       '{result,candidates,0,penalty_cents}', '1234')
        """)
    )
    ((cost_cents,),) = given.rows(placed, "SELECT cost_cents FROM placement_decisions")

    operator.get(PAGE)

    assert f"At most {(cost_cents - 300) / 100:.2f} EUR above the cheapest" in operator.page
    assert '<td class="number">12.34</td>' in operator.page
