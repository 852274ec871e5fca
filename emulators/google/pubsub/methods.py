"""What the services share: methods that are kept, pages, and resources of a project."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from google.pubsub_v1 import types

from emulators.google.pubsub.journal import Journal
from emulators.google.rpc import Method, page

LARGEST_PAGE = 1_000

Run = Callable[[Any], Awaitable[Any]]


def method(verb: str, run: Run) -> Method:
    """A method whose request and response are named after it."""
    request, response = getattr(types, f"{verb}Request"), getattr(types, f"{verb}Response")
    return Method(request.pb(), response.pb(), run)


def kept(journal: Journal, plain: Method) -> Method:
    """The method, answered when what it did will survive."""

    async def run(request: Any) -> Any:
        response = await plain.run(request)
        await journal.saved()
        return response

    return Method(plain.request, plain.response, run)


def of_project(resources: Iterable[Any], project: str) -> list[Any]:
    """The resources below projects/{project}, by name."""
    found = [each for each in resources if each.name.startswith(f"{project}/")]
    return sorted(found, key=lambda each: str(each.name))


def listed(verb: str, field: str, found: list[Any], request: Any) -> Any:
    """The page of `found` that a request of `verb` asks for, in `field` of its response."""
    shown, token = page(found, request.page_size, request.page_token, LARGEST_PAGE)
    response = getattr(types, f"{verb}Response").pb()
    return response(**{field: shown, "next_page_token": token})
