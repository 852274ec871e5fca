"""What a seed gives is the same everywhere, and ends where it was asked for."""

from emulators.simulation.chance import Chance, Numbers
from shared.kit.ids import ids_from, new_id


def test_a_seed_gives_the_same_draws_on_every_machine_and_python() -> None:
    # Goal: a seed in a report must mean the same run years later, so the values stand here.
    chance = Chance(7)

    assert [chance.below(1_000) for _ in range(5)] == [323, 150, 650, 72, 535]
    assert Numbers(7)().hex() == "d7a0cee7b61eb0e3e4776e245cfafbfb"


def test_identifiers_come_from_the_given_source_and_are_random_again_afterwards() -> None:
    with ids_from(iter([b"\5" * 16, b"\6" * 16]).__next__):
        assert new_id("par") == "par_" + 16 * "05"
        assert new_id("evt") == "evt_" + 16 * "06"

    assert new_id("par") != new_id("par")


def test_every_key_is_drawn_as_often_as_its_weight_says() -> None:
    chance = Chance(3)
    drawn = [chance.weighted({"often": 9.0, "seldom": 1.0, "never": 0.0}) for _ in range(2_000)]

    assert 150 < drawn.count("seldom") < 250
    assert "never" not in drawn
