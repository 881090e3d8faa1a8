"""Fixtures of the tests of the foundation."""

from tests.support.foundation import bench

__all__ = ["bench"]
