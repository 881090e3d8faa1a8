"""Processes for long computations."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def worker(niceness: int = 0) -> ProcessPoolExecutor:
    """A fresh process that ends with its owner, even when that is killed.

    The higher its ``niceness``, the more it leaves the processors to others.
    """
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(niceness,),
    )


def _begin(niceness: int) -> None:
    os.nice(niceness)
    threading.Thread(target=_await_owners_end, daemon=True).start()


def _await_owners_end() -> None:
    if owner := parent_process():
        owner.join()
        os._exit(0)
