"""Public keys of the issuer: cached, and fetched again when a token names an unknown one."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Literal

import httpx
import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import BaseModel

from shared.problems import unavailable
from shared.settings import Settings
from shared.single_flight import SingleFlight

log = structlog.get_logger()

FRESH_S = 300.0
"""Age at which the keys are fetched again, so that a withdrawn one stops counting."""

LAST_RESORT_S = 12 * 3600.0
"""Age up to which the last known keys count while the issuer is unavailable."""

PAUSE_S = 10.0
"""Pause between two requests that an unknown key id or a failure causes."""

_TIMEOUT_S = 3.0

Keys = Mapping[str | None, ECKey]


class SigningKeys:
    """Keys by their id (``kid``), from a URL or a file.

    The issuer is asked by one request at a time, for an unknown id at most every ``PAUSE_S``
    seconds; a request that names a known key waits only for keys that are not fresh.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: Keys = {}
        self._read_at = float("-inf")
        self._paused_until = float("-inf")
        self._failing = False
        self._reading = SingleFlight(self._read)

    async def find(self, kid: str | None) -> ECKey | None:
        """Return the key called ``kid``; without a name the only key, if there is only one.

        Raises:
            Problem: 503, when the issuer is unavailable and the keys are unknown or too old.
        """
        asked_at = time.monotonic()
        if self._age_s() > FRESH_S:
            await self._refresh()
        if self._age_s() > LAST_RESORT_S:
            raise unavailable("The identity provider")
        if kid not in self._keys and self._read_at < asked_at:
            await self._look_again()
        return self._keys.get(kid)

    async def _look_again(self) -> None:
        if not self._reading.busy:
            if time.monotonic() < self._paused_until:
                return
            self._paused_until = time.monotonic() + PAUSE_S
        await self._reading.outcome()

    async def _refresh(self) -> None:
        """Fetch the keys again.

        While the issuer is unavailable, no request that has keys waits for its response.
        """
        if time.monotonic() > self._paused_until or self._reading.busy:
            reading = self._reading.begin()
            if not self._failing or self._age_s() > LAST_RESORT_S:
                await asyncio.shield(reading)

    def _age_s(self) -> float:
        return time.monotonic() - self._read_at

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                keys = usable_keys(await self._published())
        except (httpx.HTTPError, OSError, ValueError, TimeoutError) as error:
            self._failing = True
            self._paused_until = time.monotonic() + PAUSE_S
            log.warning("signing keys not read", error=repr(error))
            return
        self._failing = False
        self._keys, self._read_at = keys, time.monotonic()

    async def _published(self) -> Any:
        if self._settings.jwks_url:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
                response = await client.get(self._settings.jwks_url)
                return orjson.loads(response.raise_for_status().content)
        if self._settings.jwks_file is None:
            raise ValueError("neither AFTERSALES_JWKS_URL nor AFTERSALES_JWKS_FILE is set")
        return orjson.loads(self._settings.jwks_file.read_bytes())


def usable_keys(published: Any) -> Keys:
    """Return the keys of a JWK set (RFC 7517) that sign with ES256; others are left out.

    Raises:
        ValueError: there is none.
    """
    entries = published.get("keys") if isinstance(published, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the issuer publishes no JWK set")
    keys = [key for entry in entries if (key := _usable(entry))]
    if not keys:
        raise ValueError("the issuer publishes no key for ES256")
    return {key.kid: key for key in keys} | ({None: keys[0]} if len(keys) == 1 else {})


class _PublishedKey(BaseModel):
    """Public key for ES256 in the format of RFC 7517."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str
    use: Literal["sig"] = "sig"
    kid: str | None = None
    alg: Literal["ES256"] = "ES256"
    key_ops: list[str] = ["verify"]


def _usable(entry: Any) -> ECKey | None:
    try:
        return ECKey.import_key(_PublishedKey.model_validate(entry).model_dump(exclude_none=True))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
