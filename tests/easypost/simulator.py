"""EasyPost's simulator as a process of its own."""

from functools import partial

from tests.support import sellers
from tests.support.sellers import SECRET, Mailbox, Simulator, wait_until

mailbox = partial(sellers.mailbox, sellers.EASYPOST)
start = partial(sellers.start, sellers.EASYPOST)
running = partial(sellers.running, sellers.EASYPOST)

__all__ = ["SECRET", "Mailbox", "Simulator", "mailbox", "running", "start", "wait_until"]
