"""Routing of operations: they authenticate the caller first, then read a limited body."""

from collections.abc import Callable, Coroutine, Iterator
from importlib import import_module
from inspect import getdoc, ismodule
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.request_body import LARGEST_BODY, bounded
from shared.security import Caller


class GuardedRoute(APIRoute):
    """Route that authenticates its caller before it reads a body; FastAPI reads the body first.

    ``max_body_size`` bounds the body in bytes. FastAPI's own bound of that name is not used: it
    answers in plain text, and with 413 in the place of a 401. The operation's description names
    the roles that may call it (``x-roles``). An endpoint without a docstring is described by that
    of the application function that it calls, which has its name.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        max_body_size: int | None = None,
        **described: Any,
    ) -> None:
        self._largest = LARGEST_BODY if max_body_size is None else max_body_size
        if not endpoint.__doc__:
            described["description"] = described.get("description") or _called_doc(endpoint)
        super().__init__(path, endpoint, **described)
        roles = sorted({role for caller in _callers(self.dependant) for role in caller.roles})
        if roles:
            self.openapi_extra = {**(self.openapi_extra or {}), "x-roles": roles}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        callers = list(_callers(self.dependant))

        async def guarded(request: Request) -> Response:
            for caller in callers:
                await caller.admit(request)
            receive = bounded(request.scope, request.receive, self._largest)
            return await answer(Request(request.scope, receive))

        return guarded


class Router(APIRouter):
    """Router whose operations are guarded."""

    def __init__(self, **described: Any) -> None:
        super().__init__(route_class=GuardedRoute, **described)


def _of_store(store_id: Annotated[str, Path(description="The store (门店)")]) -> str:
    return store_id


class StoreRouter(Router):
    """Router of operations on one store, whose id all their paths begin with."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__(prefix=f"/stores/{{store_id}}{prefix}", dependencies=[Depends(_of_store)])


def _callers(dependant: Dependant) -> Iterator[Caller]:
    for each in dependant.dependencies:
        if isinstance(each.call, Caller):
            yield each.call
        yield from _callers(each)


def description_of(function: Callable[..., Any]) -> str:
    """Return the docstring of a function without what it raises."""
    return (getdoc(function) or "").partition("\n\nRaises:")[0]


def _called_doc(endpoint: Callable[..., Any]) -> str | None:
    """Return the description of the function with the endpoint's name that its module can call."""
    for module in vars(import_module(endpoint.__module__)).values():
        function = getattr(module, endpoint.__name__, None) if ismodule(module) else None
        if function and (text := description_of(function)):
            return text
    return None
