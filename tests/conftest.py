"""Fixtures of all tests, and the examples of property tests.

These are the same in every run, so that a run fails for a change and not by chance;
``--hypothesis-profile=random`` tries others.
"""

import gc

from hypothesis import HealthCheck, settings

from tests.support.stack import (
    _sent_states,
    _stack,
    clock,
    empty_servers,
    fork_server,
    launch,
    platform,
    quick_java,
    servers,
)

__all__ = [
    "_sent_states",
    "_stack",
    "clock",
    "empty_servers",
    "fork_server",
    "launch",
    "platform",
    "quick_java",
    "servers",
]

for name, is_same in {"same": True, "random": False}.items():
    settings.register_profile(
        name, deadline=None, derandomize=is_same, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("same")


def pytest_collection_finish() -> None:
    """Leave out of each garbage collection what all tests need to the end."""
    gc.collect()
    gc.freeze()
