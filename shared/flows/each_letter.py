"""The same to many dead letters, and what became of each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.kit.errors import DispatchError


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one letter. `code` and `reason` are empty where it was done."""

    letter_id: int
    done: bool
    code: str = ""
    reason: str = ""


def each_letter(letter_ids: Iterable[int], act: Callable[[int], object]) -> tuple[Result, ...]:
    """Act on one letter after the other, each in a transaction of its own.

    One that is refused does not keep the others from being done.
    """
    results = []
    for letter_id in letter_ids:
        try:
            act(letter_id)
        except DispatchError as error:
            results.append(Result(letter_id, done=False, code=error.code, reason=str(error)))
        else:
            results.append(Result(letter_id, done=True))
    return tuple(results)
