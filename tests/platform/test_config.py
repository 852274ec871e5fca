"""Settings: complete and well spelt, or a sentence that names what is not, never its value."""

import pytest

from shared.platform.config import EASYPOST_API_BASE, GOOGLE_CERTS_URL, Misconfigured, read

COMPLETE = {
    "DISPATCH_ENV": "prod",
    "DISPATCH_PROJECT": "shop",
    "DISPATCH_LOCATION": "europe-west1",
    "DISPATCH_INSTANCE_CONNECTION_NAME": "shop:europe-west1:main",
    "DISPATCH_OIDC_AUDIENCE": "https://dispatch.example",
    "DISPATCH_OIDC_CALLER": "caller@shop.iam.gserviceaccount.com",
}
SECRET = "hunter2-swordfish"


def test_complete_settings_are_read_and_the_rest_of_the_environment_is_ignored() -> None:
    found = read({**COMPLETE, "PATH": "/bin", "DISPATCHER": "x", "DISPATCH_POOL_SIZE": "3"})

    assert (found.env, found.pool_size) == ("prod", 3)
    assert found.oidc_certs_url == GOOGLE_CERTS_URL
    assert found.easypost_api_base == EASYPOST_API_BASE


@pytest.mark.parametrize("name", sorted(COMPLETE.keys() - {"DISPATCH_INSTANCE_CONNECTION_NAME"}))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: Field required$"):
        read({key: value for key, value in COMPLETE.items() if key != name})


@pytest.mark.parametrize(
    ("env", "url", "found"),
    [
        ("prod", "https://track.example.com/orders/", "https://track.example.com/orders"),
        ("prod", "https://track.example.com", "https://track.example.com"),
        ("local", "http://127.0.0.1:8700/tracking_page", "http://127.0.0.1:8700/tracking_page"),
    ],
)
def test_pages_have_an_address(env: str, url: str, found: str) -> None:
    settings = read({**COMPLETE, "DISPATCH_ENV": env, "DISPATCH_TRACKING_PAGE_URL": url})

    assert settings.tracking_page_url == found


@pytest.mark.parametrize(
    "url",
    [
        "http://track.example.com",
        "track.example.com",
        "https://",
        "https://a.example/?q",
        "ftp://a",
    ],
)
def test_an_address_that_is_none_or_not_over_tls_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"(?i)tracking_page_url"):
        read({**COMPLETE, "DISPATCH_TRACKING_PAGE_URL": url})


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(Misconfigured) as caught:
        read({**COMPLETE, "DISPATCH_ENV": "x", "DISPATCH_POOL_SIZE": "many"})

    assert "DISPATCH_ENV: " in str(caught.value)
    assert "DISPATCH_POOL_SIZE: " in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISPATCH_EASYPOST_API_KYE", SECRET),
        ("DISPATCH_ENV", SECRET),
        ("DISPATCH_POOL_SIZE", SECRET),
        ("DISPATCH_POOL_SIZE", "0"),
        ("DISPATCH_LOCK_TIMEOUT_MS", "99"),
        ("DISPATCH_STATEMENT_TIMEOUT_MS", "60001"),
    ],
)
def test_an_unknown_or_malformed_setting_is_named_and_its_value_is_not(
    name: str, value: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        read({**COMPLETE, name: value})

    assert str(caught.value).startswith(f"{name}: ")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "names",
    [(), ("DISPATCH_DATABASE_URL", "DISPATCH_INSTANCE_CONNECTION_NAME")],
    ids=["neither", "both"],
)
def test_exactly_one_database_is_to_be_given(names: tuple[str, ...]) -> None:
    others = {k: v for k, v in COMPLETE.items() if k != "DISPATCH_INSTANCE_CONNECTION_NAME"}

    with pytest.raises(Misconfigured, match="database_url or instance_connection_name") as caught:
        read({**others, **dict.fromkeys(names, SECRET)})

    assert SECRET not in str(caught.value)


def test_documents_are_kept_in_one_place_and_on_no_disk_of_the_cloud() -> None:
    folder, bucket = {"DISPATCH_DOCUMENTS_FOLDER": "/d"}, {"DISPATCH_DOCUMENTS_BUCKET": "papers"}

    assert read(COMPLETE | bucket).documents_bucket == "papers"
    assert read(COMPLETE | folder | {"DISPATCH_ENV": "test"}).documents_folder == "/d"
    with pytest.raises(Misconfigured, match="either documents_bucket or documents_folder"):
        read(COMPLETE | folder | bucket)
    with pytest.raises(Misconfigured, match="env local and test alone"):
        read(COMPLETE | folder)


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    found = read({**COMPLETE, "DISPATCH_EASYPOST_API_KEY": SECRET})

    assert SECRET not in f"{found!r} {found}"
    assert found.easypost_api_key is not None
    assert found.easypost_api_key.get_secret_value() == SECRET
