"""Settings of the planner's property tests: few examples each."""

from hypothesis import settings

settings.register_profile("planning", settings(), max_examples=40)
settings.load_profile("planning")
