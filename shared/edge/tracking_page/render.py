"""A story becomes a page: sentences in one language, put into templates that escape all of them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.edge.tracking_page import dates
from shared.edge.tracking_page.english import ENGLISH
from shared.edge.tracking_page.german import GERMAN
from shared.edge.tracking_page.portuguese import PORTUGUESE
from shared.edge.tracking_page.words import Words
from shared.kit.languages import Language
from shared.ops.order_story import Arrival, Entry, ParcelStory, Situation, Step, Story

WORDS: Mapping[Language, Words] = MappingProxyType(
    {
        Language.ENGLISH: ENGLISH,
        Language.PORTUGUESE: PORTUGUESE,
        Language.GERMAN: GERMAN,
    }
)
_FOLDER = Path(__file__).parent / "templates"
_S = Situation
# Which colour and sign each situation has; the same names stand in the style sheet.
_TONES: Mapping[Situation, str] = MappingProxyType(
    {
        _S.DELIVERY_FAILED: "attention",
        _S.READY_FOR_PICKUP: "attention",
        _S.OUT_FOR_DELIVERY: "going",
        _S.ON_ITS_WAY: "going",
        _S.DELAYED: "attention",
        _S.ON_HOLD: "attention",
        _S.PACKED: "going",
        _S.BEING_PACKED: "going",
        _S.GOING_BACK: "attention",
        _S.DELIVERED: "good",
        _S.RECEIVED: "going",
        _S.OUT_OF_STOCK: "quiet",
        _S.PARTLY_DELIVERED: "good",
        _S.CANCELLED: "quiet",
    }
)
_ICONS: Mapping[Situation, str] = MappingProxyType(
    {
        _S.DELIVERY_FAILED: "alert",
        _S.READY_FOR_PICKUP: "place",
        _S.OUT_FOR_DELIVERY: "truck",
        _S.ON_ITS_WAY: "truck",
        _S.DELAYED: "clock",
        _S.ON_HOLD: "clock",
        _S.PACKED: "box",
        _S.BEING_PACKED: "box",
        _S.GOING_BACK: "back",
        _S.DELIVERED: "check",
        _S.RECEIVED: "box",
        _S.OUT_OF_STOCK: "clock",
        _S.PARTLY_DELIVERED: "check",
        _S.CANCELLED: "cross",
    }
)
# What a parcel has come to instead of the usual step.
_OF_ITS_OWN = frozenset({_S.DELIVERY_FAILED, _S.READY_FOR_PICKUP})
# Headlines of the whole order, however many parcels it has.
_OF_ALL = frozenset({_S.DELIVERED, _S.PARTLY_DELIVERED, _S.CANCELLED})
# Written otherwise than with a first capital.
_CARRIERS = MappingProxyType(
    {name.lower(): name for name in ("CTT", "DHL", "DPD", "FedEx", "GLS", "TNT", "UPS", "USPS")}
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file beside the page. Its name has its hash, so it may be kept for ever."""

    name: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a history."""

    text: str
    moment: str
    machine_moment: str
    last_seen: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Step:
    text: str
    state: str  # done, now or ahead: a class of the style sheet
    spoken: str


@dataclass(frozen=True, slots=True)
class _Card:
    """A parcel."""

    title: str
    about: str
    headline: str
    tone: str
    icon: str
    sentences: tuple[str, ...]
    action: str | None
    steps: tuple[_Step, ...]
    history: tuple[_Line, ...]


class _Writer:
    """Puts a story into sentences of one language."""

    def __init__(self, story: Story, language: Language, now: datetime) -> None:
        self._story = story
        self._language = language
        self._words = WORDS[language]
        self._offset = dates.offset(now.astimezone(story.zone))

    def page(self) -> dict[str, object]:
        """What the template of an order puts in its places."""
        story, words = self._story, self._words
        # With one parcel the page is about it; with several each has a card of its own.
        only = story.parcels[0] if len(story.parcels) == 1 else None
        cards = [] if only else [self._card(*one) for one in enumerate(story.parcels, start=1)]
        return {
            "order": f"{words.order} …{story.number_end}",
            "above": self._above(),
            "headline": self._headline(story),
            "tone": _tone(story),
            "icon": _ICONS[story.situation],
            "sentences": tuple(self._sentences(only)),
            "action": words.actions.get(story.situation),
            "steps": self._steps(only),
            "facts": tuple(self._facts()),
            "notes": tuple(self._notes()),
            "parcel": None if only is None else self._about(only),
            "cards": tuple(cards),
            "history": tuple(map(self._line, only.history if only else story.history)),
            "zone": words.zone.format(zone=self._offset),
        }

    def _above(self) -> str | None:
        """Which of several parcels the headline is about, while they differ."""
        story = self._story
        if len(story.parcels) < 2 or story.lead is None or story.situation in _OF_ALL:
            return None
        return self._number(story.parcels.index(story.lead) + 1)

    def _number(self, number: int) -> str:
        return self._words.parcel_number.format(number=number, all=len(self._story.parcels))

    def _headline(self, told: Story | ParcelStory) -> str:
        words = self._words
        form = words.headlines.get(told.situation) or words.arrivals[told.arrival]
        if told.day is None:
            return form
        return form.format(
            day=dates.day(self._language, told.day, self._story.today),
            on=dates.on_day(self._language, told.day, self._story.today),
        )

    def _sentences(self, only: ParcelStory | None) -> Iterator[str]:
        """What stands below the headline of the whole order."""
        story, words = self._story, self._words
        if only is not None and story.situation is only.situation:
            yield words.details[only.situation]
            if only.reason is not None:
                yield words.reasons[only.reason]
        elif story.lead is None or story.situation is not story.lead.situation:
            yield words.details[story.situation]
        if not story.parcels:
            yield from self._restocked()
        if len(story.parcels) > 1:
            together = str(len(story.parcels))
            if story.situation is Situation.DELIVERED and story.delivered == len(story.parcels):
                yield words.parcels_arrived.format(all=together)
            elif story.delivered:
                yield words.parcels_delivered.of(story.delivered, all=together)
            else:
                yield words.parcels_coming.format(all=together)
        if story.is_late:
            yield words.late

    def _facts(self) -> Iterator[tuple[str, str, str]]:
        """A name, a day to read and the same for machines."""
        story, words = self._story, self._words
        yield (words.ordered, *self._day(story.ordered_on))
        if story.arrival is not Arrival.OVER:
            yield (words.promised, *self._day(story.promised_on))

    def _day(self, day: date) -> tuple[str, str]:
        text = dates.day(self._language, day, self._story.today)
        return text[:1].upper() + text[1:], day.isoformat()

    def _notes(self) -> Iterator[str]:
        """What is to be said about units that are in no parcel, and about a return."""
        story, words = self._story, self._words
        if story.is_wanted_back:
            yield words.wanted_back
        if story.out_of_stock and story.parcels:
            yield " ".join((words.out_of_stock.of(story.out_of_stock), *self._restocked()))
        if story.waiting and story.parcels:
            yield words.waiting.of(story.waiting)
        if story.cancelled:
            yield words.cancelled.of(story.cancelled)

    def _restocked(self) -> Iterator[str]:
        day = self._story.restocked_on
        if day is not None:
            on = dates.on_day(self._language, day, self._story.today)
            yield self._words.restocked.format(on=on)

    def _card(self, number: int, parcel: ParcelStory) -> _Card:
        words = self._words
        sentences = [words.details[parcel.situation]]
        if parcel.reason is not None:
            sentences.append(words.reasons[parcel.reason])
        if parcel.is_late:
            sentences.append(words.late)
        return _Card(
            title=self._number(number),
            about=self._about(parcel),
            headline=self._headline(parcel),
            tone=_tone(parcel),
            icon=_ICONS[parcel.situation],
            sentences=tuple(sentences),
            action=words.actions.get(parcel.situation),
            steps=self._steps(parcel),
            history=tuple(map(self._line, parcel.history)),
        )

    def _about(self, parcel: ParcelStory) -> str:
        words = self._words
        parts = [words.items.of(parcel.units), words.by_carrier.format(carrier=_name(parcel))]
        if parcel.code_end is not None:
            parts.append(words.code_end.format(end=parcel.code_end))
        return " · ".join(parts)

    def _steps(self, parcel: ParcelStory | None) -> tuple[_Step, ...]:
        if parcel is None or parcel.step is None:
            return ()
        words, reached = self._words, parcel.step
        names = dict(words.steps)
        if parcel.situation in _OF_ITS_OWN:
            names[reached] = words.statuses[parcel.situation]
        spoken = {"done": words.step_done, "now": words.step_now, "ahead": words.step_ahead}
        states = {
            step: "done" if step < reached else "now" if step == reached else "ahead"
            for step in Step
        }
        return tuple(_Step(names[step], states[step], spoken[states[step]]) for step in Step)

    def _line(self, entry: Entry) -> _Line:
        words, last_at = self._words, entry.last_at
        return _Line(
            text=words.statuses[entry.what],
            moment=self._moment(entry.at),
            machine_moment=entry.at.astimezone(UTC).isoformat(timespec="seconds"),
            last_seen=words.last_seen.format(time=self._moment(last_at)) if last_at else None,
            reason=words.reasons[entry.reason] if entry.reason else None,
        )

    def _moment(self, at: datetime) -> str:
        local = at.astimezone(self._story.zone)
        text = dates.moment(self._language, local, self._story.today)
        offset = dates.offset(local)
        return text if offset == self._offset else f"{text} ({offset})"


def order_page(story: Story, language: Language, now: datetime) -> str:
    """The page of an order."""
    return _rendered("order.html", language, _Writer(story, language, now).page())


def nothing_page(language: Language) -> str:
    """The page of an address at which there is no order."""
    words = WORDS[language]
    return _message(language, words.nothing_title, words.nothing, icon="place")


def trouble_page(language: Language) -> str:
    """The page for when it cannot be said whether there is an order."""
    words = WORDS[language]
    return _message(language, words.trouble_title, words.trouble, icon="clock")


@cache
def assets() -> Mapping[str, Asset]:
    """The files beside the page, by name."""
    found = (
        _asset("style", "css", "text/css; charset=utf-8"),
        _asset("icon", "svg", "image/svg+xml"),
    )
    return {asset.name: asset for asset in found}


def _asset(stem: str, kind: str, content_type: str) -> Asset:
    content = (_FOLDER / f"{stem}.{kind}").read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(f"{stem}-{digest}.{kind}", content, content_type)


def _message(language: Language, title: str, text: str, icon: str) -> str:
    return _rendered("message.html", language, {"headline": title, "text": text, "icon": icon})


def _rendered(template: str, language: Language, places: Mapping[str, object]) -> str:
    style, icon = assets().values()
    common = {
        "language": language.value,
        "languages": [(other.value, WORDS[other].name) for other in Language],
        "words": WORDS[language],
        "style": style,
        "favicon": icon,
    }
    return _templates().get_template(template).render({**common, **places})


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _tone(told: Story | ParcelStory) -> str:
    if told.arrival is Arrival.LATER and _TONES[told.situation] == "going":
        return "attention"
    return _TONES[told.situation]


def _name(parcel: ParcelStory) -> str:
    """A carrier's name, from the one that it has with us."""
    words = parcel.carrier.replace("_", " ").replace("-", " ").split()
    return " ".join(_CARRIERS.get(word.lower(), word[:1].upper() + word[1:]) for word in words)
