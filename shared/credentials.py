"""How a service calls another in its own name: role ``service``, for one store at a time."""

import time

import httpx

from shared.issuer import DevelopmentIssuer
from shared.settings import Settings

_RENEW_BEFORE_S = 60.0


class ServiceCredentials:
    """Tokens by OIDC client credentials, or from the development issuer where one is configured."""

    def __init__(self, settings: Settings, service: str) -> None:
        self._settings = settings
        self._service = service
        self._issuer = DevelopmentIssuer.from_settings(settings)
        self._token = ""
        self._good_until = 0.0

    async def token(self, store_id: str) -> str:
        """A token that is good for ``store_id``.

        Raises:
            httpx.HTTPError: the OIDC provider does not give one.
        """
        if self._issuer is not None:
            return self._issuer.token(self._service, roles=["service"], stores=[store_id])
        if time.monotonic() > self._good_until:
            await self._fetch()
        return self._token

    async def _fetch(self) -> None:
        async with httpx.AsyncClient(timeout=5) as client:
            response = await client.post(
                self._settings.token_url,
                data={"grant_type": "client_credentials", "audience": self._settings.audience},
                auth=(self._settings.client_id, self._settings.client_secret),
            )
        answer = response.raise_for_status().json()
        self._token = answer["access_token"]
        self._good_until = time.monotonic() + float(answer["expires_in"]) - _RENEW_BEFORE_S
