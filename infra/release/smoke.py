"""Knocks at revisions that serve nobody yet.

Our own code turns this caller away, in its own form of answer. To do so it has come up, read
complete settings and built its verifier, and nothing has happened: no message, no row.
"""

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

TIMEOUT_S = 60  # a cold start
TRIES = 3
REFUSALS = (401, 404)


def knock_at(urls: Sequence[str], token: str, knock: Callable[[str, str], str]) -> list[str]:
    """What is wrong, a line for each address; nothing where all answer as they should."""
    found = []
    for url in urls:
        said = ""
        for _ in range(TRIES):
            said = knock(url, token)
            if not said:
                break
        if said:
            found.append(f"{url}: {said}")
    return found


def knock(url: str, token: str) -> str:
    """What is wrong with the answer; empty where the function turns us away as it should."""
    request = urllib.request.Request(
        url, data=b"{}", method="POST", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return f"let a stranger in with {answer.status}"
    except urllib.error.HTTPError as refusal:
        refusal.close()
        kind = refusal.headers.get_content_type()
        if refusal.code in REFUSALS and kind == "application/problem+json":
            return ""
        return f"answered {refusal.code} as {kind}"
    except (urllib.error.URLError, OSError) as error:
        return f"did not answer: {error}"
