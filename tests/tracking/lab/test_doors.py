"""Every vendor's door: who is let in, who is not, and what a stranger learns."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.edge.hooks import MAX_BODY_BYTES, Hook
from shared.platform.signatures import TOLERANCE, BadSignature, RsaSha256
from tests.tracking.lab.bench import SECRET, Bench, Log
from tests.tracking.lab.cases.case import Scan
from tests.tracking.lab.cases.table import ALL_VENDORS, CASES

T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PROBLEM = "application/problem+json"
SECOND = timedelta(seconds=1)


def message(bench: Bench, code: str = "TRACK-1") -> bytes:
    return bench.case.body(code, [Scan(*bench.case.moving, T0)])


def test_every_vendor_has_a_case_and_every_case_a_vendor() -> None:
    assert CASES.keys() == ALL_VENDORS.keys()


def test_what_others_have_signed_is_accepted_and_nothing_else(bench: Bench) -> None:
    assert bench.case.vectors, "a vector that our own code has not made"
    for vector in bench.case.vectors:
        sent = vector.sent()
        bench.vendor.scheme.verify(sent, vector.trust)
        for position in (0, len(sent.body) // 2, len(sent.body) - 1):
            tampered = bytearray(sent.body)
            tampered[position] ^= 1
            with pytest.raises(BadSignature, match="does not prove"):
                bench.vendor.scheme.verify(
                    type(sent)(bytes(tampered), sent.header, sent.received_at), vector.trust
                )


def test_a_signed_update_is_kept_raw_and_announced_once_however_often_it_comes(
    bench: Bench,
) -> None:
    body = message(bench)

    answers = [bench.send(body) for _ in range(3)]

    assert [(answer.status_code, answer.data) for answer in answers] == [(204, b"")] * 3
    assert bench.kept() == 1
    ((topic, key, announced),) = bench.topics.sent
    assert (topic, key) == ("carrier-updates", "TRACK-1")
    assert json.loads(announced)["vendor"] == bench.name


def test_what_is_not_about_a_parcel_is_taken_and_forgotten(bench: Bench) -> None:
    assert bench.send(bench.case.elsewhere).status_code == 204
    assert bench.kept() == 0


def forgeries(bench: Bench, body: bytes) -> Iterator[tuple[str, Mapping[str, str], str]]:
    """Headers that prove nothing, each with what is wrong and the reason that the log gives."""
    good = bench.signed(body)
    is_rsa = isinstance(bench.vendor.scheme, RsaSha256)
    yield "another secret", bench.signed(body, "guessed"), "unknown_key" if is_rsa else "mismatch"
    yield "no header", {}, "missing"
    for name in good:
        yield f"without {name}", {n: v for n, v in good.items() if n != name}, "missing"
        yield f"empty {name}", {**good, name: ""}, "missing"
    signature = bench.vendor.scheme.header  # type: ignore[attr-defined]
    value = good[signature]
    yield "of another body", {**good, signature: bench.signed(b"{}")[signature]}, "mismatch"
    yield "cut short", {**good, signature: value[:-6]}, "mismatch"
    yield "not ASCII", {**good, signature: value[:-2] + "é"}, "mismatch"


def test_whatever_proves_nothing_gets_the_same_answer_and_leaves_no_trace(
    bench: Bench, log: Log
) -> None:
    body = message(bench)
    answers = set()
    for what, headers, reason in forgeries(bench, body):
        answer = bench.send(body, headers)
        answers.add((answer.status_code, answer.content_type, answer.data))
        assert log.reasons() == [reason], what

    ((status, kind, text),) = answers
    assert (status, kind, json.loads(text)["code"]) == (401, PROBLEM, "bad_signature")
    assert bench.kept() == 0


def test_a_changed_body_is_refused_before_anybody_reads_it(bench: Bench, log: Log) -> None:
    body = message(bench)
    headers = bench.signed(body)

    assert bench.send(body.replace(b"TRACK-1", b"TRACK-2"), headers).status_code == 401
    assert bench.send(b"not json", headers).status_code == 401
    assert bench.send(body[:-10], headers).status_code == 401
    assert log.reasons() == ["mismatch"] * 3


@pytest.mark.parametrize("direction", [-1, 1], ids=["past", "future"])
def test_a_signed_moment_is_bounded_on_both_sides(bench: Bench, log: Log, direction: int) -> None:
    body = message(bench)
    now = bench.clock.now
    headers = bench.signed(body)

    bench.clock.now = now - direction * TOLERANCE
    assert bench.send(body, headers).status_code == 204
    bench.clock.now -= direction * SECOND
    late = bench.send(body, headers)

    if bench.case.signs_the_moment:
        assert (late.status_code, late.get_json()["code"]) == (401, "bad_signature")
        assert log.reasons() == ["stale" if direction < 0 else "from_the_future"]
    else:  # what is sent again changes nothing, and the vendor gives us no way to refuse it
        assert (late.status_code, bench.kept()) == (204, 1)


@pytest.mark.parametrize(
    "bench", sorted(name for name, case in CASES.items() if case.signs_the_moment), indirect=True
)
def test_a_moment_that_is_none_is_refused_even_with_its_signature(bench: Bench, log: Log) -> None:
    body = message(bench)
    good = bench.signed(body)
    for odd in ("", "0", "-1", "1e9", "9" * 30, "yesterday", "2026-13-01T00:00:00Z"):
        headers = {name: _with_moment(value, odd) for name, value in good.items()}
        assert bench.send(body, headers).status_code == 401

    assert bench.kept() == 0
    assert set(log.reasons()) <= {"missing", "mismatch", "stale", "no_moment"}


def _with_moment(value: str, odd: str) -> str:
    if value.startswith("t="):
        return f"t={odd},{value.partition(',')[2]}"
    return odd if value.isdigit() or value.endswith("Z") else value


def test_while_a_secret_is_replaced_both_are_valid_and_then_only_the_new_one(
    bench: Bench,
) -> None:
    body = message(bench)
    statuses = []
    for valid in (("old",), ("new", "old"), ("new",)):
        bench.trust(*valid)
        statuses.append(
            tuple(bench.send(body, bench.signed(body, s)).status_code for s in ("old", "new"))
        )

    assert statuses == [(204, 401), (204, 204), (401, 204)]


def test_a_door_without_a_secret_is_shut_and_looks_like_no_door_at_all(
    bench: Bench, log: Log
) -> None:
    # Goal: a signature made with the empty key, which anybody can make, must not pass either.
    body = message(bench)
    forged = bench.signed(body, "")
    del bench.hooks[bench.name]
    nowhere = bench.send(body, forged)
    assert log.reasons() == ["unknown_vendor"]

    for trust in bench.case.nothing:
        bench.hooks[bench.name] = Hook(bench.vendor, trust)
        for sent in (body, b" " * (MAX_BODY_BYTES + 1)):
            answer = bench.send(sent, forged)
            assert (answer.status_code, answer.data) == (nowhere.status_code, nowhere.data)

    assert nowhere.status_code == 404
    assert set(log.reasons()) == {"disabled"}
    assert bench.kept() == 0


def test_a_huge_body_is_refused_whoever_signed_it(bench: Bench, log: Log) -> None:
    body = message(bench)
    padded = body + b" " * (MAX_BODY_BYTES + 1 - len(body))

    answer = bench.send(padded)

    assert (answer.status_code, answer.content_type) == (413, PROBLEM)
    assert log.reasons() == ["oversized"]
    assert bench.send(body + b" " * (MAX_BODY_BYTES - len(body))).status_code == 204


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"null", b"[]", b'"text"', b"{}", b"\xff\xfe", b"[" * 50_000, b"\0", b"NaN"],
    ids=lambda body: repr(body[:10]),
)
def test_a_signed_body_that_is_no_message_of_the_vendor_is_malformed(
    bench: Bench, body: bytes
) -> None:
    answer = bench.send(body)

    if bench.name == "loggi" and body == b"{}":
        assert answer.status_code == 204  # of no kind that the setting names
    else:
        assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed")
    assert bench.kept() == 0


def test_a_signed_body_that_was_cut_short_anywhere_is_malformed(bench: Bench) -> None:
    body = message(bench)
    for length in range(1, len(body), 37):
        answer = bench.send(body[:length])
        assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed")

    assert bench.kept() == 0


ODD: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**30, "", "x", "\0", "9" * 5_000, [], [None], {})


def test_a_field_that_is_odd_is_used_or_refused_by_its_name_and_never_a_fault_of_ours(
    bench: Bench,
) -> None:
    # Goal: what a vendor sends is the vendor's business; whatever stands in any field, we answer.
    whole = json.loads(message(bench))
    statuses = set()
    for path in _paths(whole):
        for odd in ODD:
            body = json.dumps(_replaced(whole, path, odd)).encode()
            answer = bench.send(body)
            statuses.add(answer.status_code)
            assert answer.status_code in (204, 400), (path, odd, answer.text)
            if answer.status_code == 400:
                assert answer.get_json()["code"] == "malformed"

    assert statuses == {204, 400}


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = dict(enumerate(value)) if isinstance(value, list) else value
    for name, child in inner.items() if isinstance(inner, dict) else ():
        yield (*path, name)
        yield from _paths(child, (*path, name))


def _replaced(value: Any, path: tuple[str | int, ...], odd: Any) -> Any:
    copy = json.loads(json.dumps(value))
    parent = copy
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = odd
    return copy


def test_only_the_vendors_own_path_and_only_post_are_taken(bench: Bench, log: Log) -> None:
    body = message(bench)
    headers = dict(bench.signed(body))
    paths = (f"/{bench.name}/more", f"/{bench.name.upper()}x", "/")

    answers = [bench.client.post(path, data=body, headers=headers) for path in paths]
    answers.append(bench.client.get(f"/{bench.name}", headers=headers))

    assert {(answer.status_code, answer.data) for answer in answers} == {(404, answers[0].data)}
    lines = [line for line in log.lines() if line["message"] == "hook.refused"]
    assert [(line["vendor"], line["reason"]) for line in lines] == [
        *[(None, "unknown_vendor")] * 3,
        (bench.name, "wrong_method"),
    ]
    assert SECRET not in json.dumps(lines)
