"""Services as applications that do not run, and the tokens to call them with."""

from types import SimpleNamespace

import pytest

from deploy.embedded.secrets import ensure_secrets
from services.crm.app import create_app as crm
from services.management.app import create_app as management
from services.reception.app import create_app as reception
from services.reporting.app import create_app as reporting
from services.workshop.app import create_app as workshop
from shared.issuer import DevelopmentIssuer
from shared.settings import Settings
from tests.support.claims import Claims
from tests.support.idle_services import Idle

SERVICES = {
    "reception": reception,
    "workshop": workshop,
    "crm": crm,
    "reporting": reporting,
    "management": management,
}


async def _knows_store(store_id: str) -> bool:
    return store_id == "S01"


@pytest.fixture(scope="package")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Idle:
    folder = tmp_path_factory.mktemp("interfaces")
    secrets = ensure_secrets(folder)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "JWKS_FILE": secrets.jwks_file,
            "ISSUER_KEY_FILE": secrets.issuer_key_file,
            "KEYS_FILE": secrets.recognition_keys_file,
            "RECOGNITION_KEYS_FILE": secrets.recognition_keys_file,
            "FILES": folder / "files",
            "TAX_INVOICE_FOLDER": folder,
        }.items():
            environment.setenv(f"AFTERSALES_{name}", str(value))
        apps = {service: create_app() for service, create_app in SERVICES.items()}
    for app in apps.values():
        app.state.service = SimpleNamespace(
            is_ready=True,
            uow_factory=None,
            deps=None,
            knows_store=_knows_store,
            callers_posts=Claims(),
        )
    settings = Settings()
    issuer = DevelopmentIssuer(secrets.issuer_key_file, settings.issuer, settings.audience)
    return Idle(apps, issuer)
