"""Commands against the tests' database."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulators.laptop import cli, running
from shared.platform.config import Config

PAGES_URL = "http://127.0.0.1:8700/tracking_page"
Command = Callable[..., tuple[int, str, str]]


def command(
    verb: str,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    **settings: str,
) -> Command:
    """The verb: exit code, standard output, standard error; `settings` are further DISPATCH_…."""
    assert config.database_url is not None
    environment = {
        "DISPATCH_ENV": "test",
        "DISPATCH_PROJECT": config.project,
        "DISPATCH_LOCATION": config.location,
        "DISPATCH_DATABASE_URL": config.database_url.get_secret_value(),
        "DISPATCH_OIDC_AUDIENCE": config.oidc_audience,
        "DISPATCH_OIDC_CALLER": config.oidc_caller,
        "DISPATCH_TRACKING_PAGE_URL": PAGES_URL,
        **settings,
    }
    monkeypatch.setattr(running, "read_state", lambda _directory: {"environment": environment})

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = cli.main([verb, *words])
        except SystemExit as ended:
            code = int(str(ended.code))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def as_json(verb: Command, *words: str) -> Any:
    """What the verb says to programs."""
    code, out, err = verb(*words, "--json")
    assert code in {0, 1}, err
    return json.loads(out.splitlines()[-1])
