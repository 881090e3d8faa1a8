"""Settings of the planner's property tests: few examples each, independent of the clock."""

from hypothesis import settings

settings.register_profile("planning", deadline=None, max_examples=40)
settings.load_profile("planning")
