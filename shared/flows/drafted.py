"""A draft is as it was when somebody looked at it, or they are told."""

from shared.kit.errors import Changed, Stale
from shared.people.drafts import Draft


def require_unchanged(draft: Draft, seen: str | None) -> None:
    """Go on if it is the draft that they saw; None: they do not say.

    Raises:
        Stale: it is another one.
    """
    if seen is not None and seen != draft.draft_id:
        made_at = f"{draft.made_at:%Y-%m-%d %H:%M:%S} UTC"
        raise Stale(
            f"your draft is another one than you looked at: it was checked at {made_at}",
            changed=[Changed("your draft", seen, f"{draft.draft_id}, checked at {made_at}")],
        )
