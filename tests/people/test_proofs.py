"""What proves who somebody is."""

import pyotp

from shared.people import proofs


def test_a_password_fits_its_own_hash_only() -> None:
    kept = proofs.hashed_password("a long password")

    assert kept.startswith("$argon2id$")
    assert proofs.fits("a long password", kept)
    assert not proofs.fits("another password", kept)
    assert not proofs.fits("a long password", None)
    assert not proofs.fits("", "")
    assert not proofs.fits("a long password", "nonsense")


def test_a_form_token_is_of_one_session() -> None:
    mine, others = proofs.new_token(), proofs.new_token()

    assert proofs.is_form_token(proofs.form_token(mine), mine)
    assert not proofs.is_form_token(proofs.form_token(mine), others)
    assert not proofs.is_form_token("", mine)
    assert not proofs.is_form_token("ü", mine)


def test_only_what_looks_like_a_key_is_one() -> None:
    assert proofs.read_key(proofs.key_text("key_1", "s")) == ("key_1", "s")
    for text in ("", "nonsense", "a.b.c", "dispatch.key_1", "dispatch..s", "dispatch.key_1.s.t"):
        assert proofs.read_key(text) is None


def test_a_code_is_good_for_its_time_and_once() -> None:
    secret, now_s = proofs.new_totp_secret(), 1_772_452_800
    code = pyotp.TOTP(secret).at(now_s)

    step = proofs.totp_step(secret, code, now_s, 0)

    assert step == now_s // 30
    assert proofs.totp_step(secret, code, now_s + 30, 0) == step  # clocks differ
    assert proofs.totp_step(secret, code, now_s + 90, 0) is None
    assert proofs.totp_step(secret, code, now_s, step) is None  # it was used
    assert proofs.totp_step(secret, "ü", now_s, 0) is None
    assert "Dispatch" in proofs.totp_uri(secret, "ada@example.org")
