"""`token`: a token with which the HTTP API lets somebody on this machine in."""

import argparse
import json
import sys
import urllib.error
import urllib.request

from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.stack import read_state, state_directory

TIMEOUT_S = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `token`."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print a token of the first caller that is let in, good for 5 to 60 minutes."""
    state = read_state(state_directory())
    if state is None:
        raise UserMistake("Nothing runs here; `python3 -m emulators up` starts everything.")
    environment = state["environment"]
    caller = environment.get("DISPATCH_API_CALLERS", "").split(",")[0]
    if not caller:
        raise UserMistake("The running stack lets nobody in; DISPATCH_API_CALLERS is not set.")
    audience = environment.get("DISPATCH_API_AUDIENCE", environment["DISPATCH_OIDC_AUDIENCE"])
    token = ask(state["addresses"]["google"], caller, audience)
    sys.stdout.write(json.dumps({"token": token}) + "\n" if arguments.json else f"{token}\n")
    return 0


def ask(google: str, account: str, audience: str) -> str:
    """A token of `account` towards `audience`, from the stand-in at `google` (host:port).

    Raises:
        UserMistake: it does not answer with one.

    Source: https://cloud.google.com/iam/docs/reference/credentials/rest, generateIdToken.
    """
    request = urllib.request.Request(
        f"http://{google}/v1/projects/-/serviceAccounts/{account}:generateIdToken",
        data=json.dumps({"audience": audience, "includeEmail": True}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return str(json.load(answer)["token"])
    except (OSError, ValueError, KeyError) as error:
        raise UserMistake(f"The stand-in at {google} gave no token: {error}.") from None
