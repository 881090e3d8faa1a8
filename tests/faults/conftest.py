"""Fixtures of the tests of faults."""

from tests.support.foundation import bench

__all__ = ["bench"]
