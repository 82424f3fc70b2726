"""Settings every test shares."""

from hypothesis import settings

# No test compares wall-clock times, Hypothesis' own deadline included: the machines are shared.
# Derandomized, so that a run can be repeated; a failing example belongs into a test of its own.
settings.register_profile("isochrone", deadline=None, derandomize=True, database=None)
settings.load_profile("isochrone")
