"""Credentials of a service that calls another: role ``service``, for one store at a time."""

import time

import httpx
from pydantic import BaseModel, Field, ValidationError

from shared.issuer import DevelopmentIssuer
from shared.settings import Settings
from shared.single_flight import SingleFlight

_RENEW_BEFORE_S = 60.0
_TIMEOUT_S = 3.0


class TokenAnswer(BaseModel):
    """Response of a token endpoint (RFC 6749); the lifetime is in seconds."""

    access_token: str = Field(min_length=1)
    expires_in: float = Field(default=300, ge=0, allow_inf_nan=False)
    refresh_token: str | None = None


class ServiceCredentials:
    """Source of tokens: OIDC client credentials, or the development issuer where configured."""

    def __init__(self, settings: Settings, service: str) -> None:
        self._settings = settings
        self._service = service
        self._issuer = DevelopmentIssuer.from_settings(settings)
        self._token = ""
        self._good_until = 0.0
        self._fetching = SingleFlight(self._fetch)

    async def token(self, store_id: str) -> str:
        """Return a token that is valid for ``store_id``.

        Raises:
            httpx.HTTPError: the OIDC provider does not give one.
        """
        if self._issuer is not None:
            return self._issuer.token(self._service, roles=["system"], stores=[store_id])
        if time.monotonic() > self._good_until:
            await self._fetching.outcome()
        return self._token

    async def _fetch(self) -> None:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            response = await client.post(
                self._settings.token_url,
                data={"grant_type": "client_credentials", "audience": self._settings.audience},
                auth=(self._settings.client_id, self._settings.client_secret),
            )
        try:
            token_response = TokenAnswer.model_validate_json(response.raise_for_status().content)
        except ValidationError as error:
            raise httpx.DecodingError(
                "the token endpoint's response is no token", request=response.request
            ) from error
        early_s = min(_RENEW_BEFORE_S, token_response.expires_in / 2)
        self._token = token_response.access_token
        self._good_until = time.monotonic() + token_response.expires_in - early_s
