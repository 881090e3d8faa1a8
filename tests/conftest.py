"""Fixtures of all tests."""

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
