"""Memory of a process that serves requests."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def frozen_gc() -> Iterator[None]:
    """Exclude all existing objects from garbage collection until the block ends.

    With everything that is imported, a full collection stops a service for a fifth of a second.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
