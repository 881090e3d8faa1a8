"""Minimal command over HTTP: the yardstick for reception's commands.

One request is one transaction with one row and one outbox row. There is no authentication, no
business rule and no idempotency.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel

from shared.db import open_pool

_TABLES = """
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.effect (
    effect_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_concern text NOT NULL
);
CREATE TABLE bench.outbox (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload jsonb NOT NULL
);
"""


class Concern(BaseModel):
    customer_concern: str


class Kept(BaseModel):
    effect_id: int


def create_app(database_url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await open_pool(database_url, 10, "minimal write")
        await app.state.pool.execute(_TABLES)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/writes", status_code=201)
    async def write(request: Request, body: Concern) -> Kept:
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            effect_id = await connection.fetchval(
                "INSERT INTO bench.effect (customer_concern) VALUES ($1) RETURNING effect_id",
                body.customer_concern,
            )
            await connection.execute(
                "INSERT INTO bench.outbox (payload) VALUES ($1)", body.model_dump()
            )
        return Kept(effect_id=effect_id)

    return app


def main() -> None:
    database_url, port = sys.argv[1:]
    uvicorn.run(
        create_app(database_url), port=int(port), loop="uvloop", log_level="error", access_log=False
    )


if __name__ == "__main__":
    main()
