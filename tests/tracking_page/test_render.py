"""A story as a page: the right sentences, escaped, and well-formed in every language."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from shared.edge.tracking_page import render
from shared.edge.tracking_page.render import WORDS
from shared.kit.languages import Language
from shared.ops.followed_orders import FollowedOrder
from shared.ops.order_story import tell
from tests.ops.test_order_story import orders
from tests.tracking_page.situations import NEXT_YEAR, NOW, SITUATIONS, moving, order

VOID = {"meta", "link"}
each_situation = pytest.mark.parametrize("name", SITUATIONS)
each_language = pytest.mark.parametrize("language", Language)


def page(followed: FollowedOrder, language: Language = Language.ENGLISH) -> str:
    return render.order_page(tell(followed, NOW), language, NOW)


def text_of(html: str) -> str:
    """What is read on the page."""
    body = html[html.index("<main>") :]
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("\N{NO-BREAK SPACE}", " ").split())


class Balanced(HTMLParser):
    """Fails on a tag that is not closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Whatever closes itself is closed."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@each_language
@each_situation
def test_every_situation_is_a_well_formed_page_in_every_language(
    name: str, language: Language
) -> None:
    html = page(SITUATIONS[name], language)
    parser = Balanced()
    parser.feed(html)

    assert parser.open == []
    assert f'<html lang="{language}" dir="ltr">' in html
    assert html.count("<h1>") == 1
    # Nothing that the policy of the page would refuse, and nothing that stayed a name in braces.
    assert "<script" not in html
    assert not {name for name in parser.attributes if name == "style" or name.startswith("on")}
    assert not re.search(r"[{}]|None", text_of(html))


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("received", ["Arriving by Friday, 4 December", "Ordered Today"]),
        ("out-of-stock", ["Waiting for stock", "We expect that on Tuesday, 8 December."]),
        ("on-its-way", ["Arriving tomorrow", "3 items · with Correios · number ending in 08BR"]),
        ("out-for-delivery", ["Arriving today", "Your parcel is with the driver."]),
        ("late", ["Arriving on Sunday, 6 December", "This is later than you were told."]),
        ("overdue", ["Taking longer than planned", "We are sorry."]),
        ("delayed", ["Delayed on its way", "The weather holds up the carrier."]),
        ("failed", ["We could not hand it over", "Nobody was there", "Look for a note"]),
        ("pickup", ["Ready for you to collect", "Take an identity document"]),
        ("delivered", ["Delivered today"]),
        ("delivered-long-ago", ["Delivered on Thursday, 12 November"]),
        ("two-parcels", ["Parcel 2 of 2", "Your order comes in 2 parcels. One of them has"]),
        ("two-arrived", ["Delivered today Your order came in 2 parcels. Ordered"]),
        ("two-on-their-way", ["Your order comes in 2 parcels.", "Arriving on Tuesday, 8 December"]),
        ("going-back", ["On its way back to us", "The parcel was not accepted at the door."]),
        ("cancelled", ["Your order is cancelled", "Nothing will be sent."]),
        ("wanted-back", ["This order was cancelled when it was packed already."]),
        ("rest-out-of-stock", ["2 items follow when they are back in stock. We expect that on"]),
        (
            "rest-follows",
            ["Delivered in part", "1 item follows in another", "1 item was cancelled"],
        ),
        ("no-days-known", ["Arriving by Friday, 4 December"]),
    ],
)
def test_a_customer_reads_where_the_order_is_and_what_to_do(
    name: str, sentences: list[str]
) -> None:
    text = text_of(page(SITUATIONS[name]))

    assert [sentence for sentence in sentences if sentence not in text] == []


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            Language.PORTUGUESE,
            ["Chega no domingo, 6 de dezembro", "2 de dezembro, 10:30", "Horários em"],
        ),
        (Language.GERMAN, ["Kommt am Sonntag, 6. Dezember", "Zugesagt bis", "Uhrzeiten in UTC−3"]),
    ],
)
def test_the_same_is_told_in_other_languages(language: Language, sentences: list[str]) -> None:
    both = page(SITUATIONS["late"], language) + page(SITUATIONS["failed"], language)

    assert [sentence for sentence in sentences if sentence not in text_of(both)] == []


def test_a_day_of_another_year_has_its_year() -> None:
    assert "Friday, 15 January 2027" in text_of(page(NEXT_YEAR))


def test_a_moment_before_the_clocks_were_changed_says_its_own_offset() -> None:
    shown = text_of(
        page(replace(SITUATIONS["delivered-long-ago"], time_zone="Europe/Berlin", number_end="1"))
    )
    summer = replace(
        SITUATIONS["on-its-way"],
        time_zone="Europe/Berlin",
        ordered_at=NOW.replace(month=10, day=20),
    )

    assert "Times are in UTC+1." in shown
    assert "(UTC" not in shown
    assert "20 October, 17:30 (UTC+2)" in text_of(page(summer))


def test_what_comes_from_outside_is_escaped() -> None:
    nasty = '<b>"&'
    html = page(order(moving(carrier=nasty, code_end=nasty), number_end=nasty))

    assert "<b>" not in html
    assert html.count("&lt;") >= 3


@pytest.mark.parametrize(
    ("carrier", "name"),
    [("correios", "Correios"), ("dhl", "DHL"), ("dhl_express", "DHL Express"), ("fedex", "FedEx")],
)
def test_a_carrier_has_a_name_that_people_know(carrier: str, name: str) -> None:
    assert f"with {name} ·" in text_of(page(order(moving(carrier=carrier))))


@each_language
def test_pages_without_an_order_help(language: Language) -> None:
    words = WORDS[language]

    assert words.nothing in text_of(render.nothing_page(language))
    assert words.trouble in text_of(render.trouble_page(language))


def test_no_page_is_larger_than_a_slow_phone_likes() -> None:
    sizes = [len(page(followed, Language.GERMAN)) for followed in SITUATIONS.values()]

    assert max(sizes) < 12_000
    assert sum(len(asset.content) for asset in render.assets().values()) < 12_000


@settings(deadline=None)
@given(followed=orders)
def test_any_history_can_be_shown(followed: FollowedOrder) -> None:
    for language in Language:
        parser = Balanced()
        parser.feed(page(followed, language))
        assert parser.open == []
