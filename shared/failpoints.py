"""Places where a fault campaign may kill the process: nothing happens unless one is armed."""

import os
import signal

_reached = 0


def failpoint(name: str) -> None:
    """Die as by ``kill -9`` when ``AFTERSALES_FAILPOINT`` is ``name`` or ``name@nth``."""
    global _reached  # noqa: PLW0603
    armed, _, nth = os.environ.get("AFTERSALES_FAILPOINT", "").partition("@")
    if name != armed:
        return
    _reached += 1
    if _reached == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
