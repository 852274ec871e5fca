"""Accidents by chance: the same for the same seed, and every kind of them."""

import random
from collections import Counter

from emulators.chaos.monkey import SENTENCES, WEIGHTS, Accident, draw

TARGETS = {
    "service": ["pubsub"],
    "subscription": ["order_intake.orders"],
    "queue": ["labels-jadlog"],
    "job": ["sweep"],
    "function": ["order_intake"],
    "process": ["easypost", "functions", "google", "postgres"],
}


def _drawn(seed: int, count: int) -> list[Accident]:
    chance = random.Random(seed)
    return [draw(chance, TARGETS) for _ in range(count)]


def test_a_seed_repeats_its_accidents_and_another_has_others() -> None:
    assert _drawn(7, 50) == _drawn(7, 50)
    assert _drawn(7, 50) != _drawn(8, 50)


def test_every_kind_comes_up_about_as_often_as_its_weight() -> None:
    drawn = Counter(accident.kind for accident in _drawn(1, 3_300))

    assert set(drawn) == set(WEIGHTS) == set(SENTENCES)
    for kind, weight in WEIGHTS.items():
        assert 0.7 < drawn[kind] / (100 * weight) < 1.3


def test_each_accident_says_in_a_sentence_what_it_hits() -> None:
    for accident in _drawn(3, 200):
        assert accident.target in str(accident)
        assert any(accident.target in names for names in TARGETS.values())


def test_a_database_of_the_users_own_is_left_alone() -> None:
    targets = {**TARGETS, "process": ["functions", "google"]}
    chance = random.Random(1)

    assert all(draw(chance, targets).kind != "restart_database" for _ in range(500))
