"""Memory of a process that answers people."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def standing() -> Iterator[None]:
    """Keep the collector from looking through all that stands already, until the block ends.

    With everything that is imported, a full collection stops a service for a fifth of a second.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
