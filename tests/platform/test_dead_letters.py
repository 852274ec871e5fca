"""Dead letters: what was refused is kept whole, once."""

from shared.platform.db import Database
from shared.platform.dead_letters import DeadLetter, park
from tests.support import given

LETTER = DeadLetter(
    source="order_intake-orders",
    message_id="evt_1",
    code="malformed",
    reason="lines.0.quantity: too small",
    facts={"field": "lines.0.quantity", "order_id": None},
    attributes={"ce-type": "channel.order.submitted.v1", "note": "späte Änderung"},
    payload=b"\x00\xff not even text",
    attempts=1,
)


def kept(database: Database, *letters: DeadLetter) -> None:
    for letter in letters:
        given.apply(database, park, letter)


def test_a_letter_is_kept_with_its_reason_and_its_original_bytes(database: Database) -> None:
    cause = given.cause()
    database.run(lambda tx: park(tx, LETTER), cause)

    assert given.rows(
        database,
        "SELECT source, message_id, code, reason, facts, attributes, payload, attempts,"
        " correlation_id, parked_at FROM dead_letters",
    ) == [
        (
            LETTER.source,
            LETTER.message_id,
            LETTER.code,
            LETTER.reason,
            dict(LETTER.facts),
            dict(LETTER.attributes),
            LETTER.payload,
            1,
            cause.correlation_id,
            database.now(),
        )
    ]


def test_the_same_message_refused_again_is_one_letter_with_its_latest_attempt(
    database: Database,
) -> None:
    kept(database, LETTER, LETTER._replace(attempts=4))

    assert given.rows(database, "SELECT count(*), max(attempts) FROM dead_letters") == [(1, 4)]


def test_the_same_message_id_from_two_sources_is_two_letters(database: Database) -> None:
    kept(database, LETTER, LETTER._replace(source="order_costing-parcel-events"))

    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(2,)]
