"""Reactions of management to events: none yet, as it learns only from people."""

from services.management.application.deps import Deps
from shared.reactions import Reactions

REACTIONS: Reactions[Deps] = Reactions({})
