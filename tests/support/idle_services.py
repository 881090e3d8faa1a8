"""Services as applications that do not run, and the tokens to call them with."""

from dataclasses import dataclass
from typing import get_args

from fastapi import FastAPI

from shared.issuer import DevelopmentIssuer
from shared.security import Role


@dataclass(frozen=True)
class Idle:
    """Applications by service and their issuer; ``token`` has every role in store S01."""

    apps: dict[str, FastAPI]
    issuer: DevelopmentIssuer

    @property
    def token(self) -> str:
        return self.issuer.token("S01-test-1", roles=get_args(Role), stores=["S01"])
