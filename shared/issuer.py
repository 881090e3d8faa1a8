"""Development issuer: signs tokens with its own key where no OIDC provider is configured."""

import json
import time
from collections.abc import Iterable
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from shared.settings import Settings


class DevelopmentIssuer:
    """Issuer of ES256 access tokens, only for the embedded stack and tests."""

    def __init__(self, key_file: Path, issuer: str, audience: str) -> None:
        self._key = ECKey.import_key(json.loads(key_file.read_text()))
        self._issuer = issuer
        self._audience = audience

    @classmethod
    def from_settings(cls, settings: Settings) -> "DevelopmentIssuer | None":
        """Return the issuer, where its key file is configured."""
        if settings.issuer_key_file is None:
            return None
        return cls(settings.issuer_key_file, settings.issuer, settings.audience)

    def token(
        self,
        subject: str,
        *,
        roles: Iterable[str],
        stores: Iterable[str],
        name: str = "",
        lifetime_s: int = 900,
    ) -> str:
        """Return an access token for ``subject`` that expires after ``lifetime_s`` seconds."""
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "name": name or subject,
            "roles": sorted(roles),
            "stores": sorted(stores),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
        }
        header = {"alg": "ES256", "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=["ES256"])
