"""Composition root of customer relations."""

from fastapi import FastAPI

from services.crm.application.message_renderer import MessageRenderer
from services.crm.application.sending import Sending
from services.crm.clients.channels import senders
from services.crm.clients.config import load_config
from services.crm.entrypoints import events
from services.crm.entrypoints.http import router
from shared.personal_data import PersonalData
from shared.service import Service, service_app
from shared.settings import Settings


def create_app() -> FastAPI:
    """Customer relations (客服): the archive of persons, follow-ups and messages to customers."""
    settings = Settings()
    config = load_config(settings.group_folder)
    service = Service("crm", settings)
    personal = PersonalData.from_settings(settings, "crm")
    renderer = MessageRenderer(personal, config)
    timer_handlers = events.timer_handlers(Sending(service, renderer, senders(settings)))
    service.subscribe(events.SUBSCRIPTIONS, events.Handlers(config).handle, timer_handlers)
    app = service_app(service, title="Customer relations", stores=config.stores, routers=[router])
    app.state.config = config
    app.state.personal = personal
    app.state.renderer = renderer
    return app
