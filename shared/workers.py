"""Processes for long computations."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def worker_pool(size: int) -> ProcessPoolExecutor:
    """A pool of ``size`` fresh processes that end with their owner, even when that is killed."""
    return ProcessPoolExecutor(
        max_workers=size, mp_context=get_context("spawn"), initializer=_end_with_owner
    )


def _end_with_owner() -> None:
    threading.Thread(target=_await_owners_end, daemon=True).start()


def _await_owners_end() -> None:
    if owner := parent_process():
        owner.join()
        os._exit(0)
