"""Failpoints: places where fault injection may kill the process, if one is armed."""

import os
import signal

_reached = 0


def failpoint(name: str) -> None:
    """Kill the process, as by ``kill -9``, if the failpoint ``name`` is armed.

    It is armed when ``AFTERSALES_FAILPOINT`` is ``name`` or ``name@nth``.
    """
    global _reached  # noqa: PLW0603
    armed, _, nth = os.environ.get("AFTERSALES_FAILPOINT", "").partition("@")
    if name != armed:
        return
    _reached += 1
    if _reached == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
