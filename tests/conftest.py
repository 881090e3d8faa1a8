"""Fixtures of all tests."""

from tests.stack import _stack, clock, platform, servers

__all__ = ["_stack", "clock", "platform", "servers"]
