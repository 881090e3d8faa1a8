"""The planner's property tests run few examples each and never by the clock."""

from hypothesis import settings

settings.register_profile("planning", deadline=None, max_examples=40)
settings.load_profile("planning")
