"""Processes for long computations and for untrusted input."""

import asyncio
import os
import resource
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from typing import TypeVar

T = TypeVar("T")


def worker(niceness: int = 0, memory_bytes: int = resource.RLIM_INFINITY) -> ProcessPoolExecutor:
    """Return a pool of one new process that ends with its owner, even when that is killed.

    The higher its ``niceness``, the more it leaves the processors to others. It gets no more than
    ``memory_bytes`` of address space.
    """
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(niceness, memory_bytes),
    )


class ExhaustedError(Exception):
    """Failure of a computation that exceeded its memory or time, or ended its process."""


class ConfinedWorkers:
    """Processes for untrusted input, each with one computation at a time within bounds.

    They start when they are needed, and one that ends is replaced.
    """

    def __init__(self, count: int, *, memory_bytes: int, cpu_s: int) -> None:
        self._memory_bytes = memory_bytes
        self._cpu_s = cpu_s
        self._free: asyncio.LifoQueue[ProcessPoolExecutor] = asyncio.LifoQueue()
        for _ in range(count):
            self._free.put_nowait(self._worker())

    async def compute(self, computation: Callable[[], T]) -> T:
        """Return the result of ``computation``, or raise its error, once a process is free.

        Raises:
            ExhaustedError: it was stopped at the bound of memory or processor time.
        """
        confined = partial(_confined, computation, self._cpu_s)
        executor = await self._free.get()
        try:
            try:
                computing = executor.submit(confined)
            except BrokenProcessPool:
                executor = self._worker()
                computing = executor.submit(confined)
            return await asyncio.wrap_future(computing)
        except (MemoryError, BrokenProcessPool) as error:
            executor.shutdown(wait=False)
            executor = self._worker()
            raise ExhaustedError from error
        finally:
            self._free.put_nowait(executor)

    def _worker(self) -> ProcessPoolExecutor:
        return worker(memory_bytes=self._memory_bytes)


def _confined(computation: Callable[[], T], cpu_s: int) -> T:
    """Return the result within ``cpu_s`` more seconds of work.

    After that, the kernel ends this process.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + cpu_s, hard))
    return computation()


def _begin(niceness: int, memory_bytes: int) -> None:
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    threading.Thread(target=_await_owners_end, daemon=True).start()


def _await_owners_end() -> None:
    if owner := parent_process():
        owner.join()
        os._exit(0)
