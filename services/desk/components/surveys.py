"""Satisfaction surveys in words."""

from collections.abc import Mapping

from services.desk.context import PageContext
from shared.clients.crm.models import SurveyStatus

SURVEY_TONES: Mapping[SurveyStatus, str] = {"open": "calm", "answered": "good", "expired": "quiet"}


def version_name(version: str) -> str:
    """Return the day from which a version of the questionnaire holds."""
    return version.partition(".")[0]


def factor_name(ctx: PageContext, factor: str) -> str:
    """Return the name of a factor."""
    named = ctx.directory.survey_factors.get(factor)
    return ctx.t.of(named) if named else factor
