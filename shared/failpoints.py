"""Places where a fault campaign may kill the process: nothing happens unless one is armed."""

import os
import signal

_armed, _, _count = os.environ.get("AFTERSALES_FAILPOINT", "").partition("@")
_remaining = int(_count or 1)


def failpoint(name: str) -> None:
    """Die as by ``kill -9`` when ``AFTERSALES_FAILPOINT`` is ``name`` or ``name@nth``."""
    global _remaining  # noqa: PLW0603
    if name != _armed:
        return
    _remaining -= 1
    if _remaining == 0:
        os.kill(os.getpid(), signal.SIGKILL)
