"""Settings every test shares."""

import asyncio
import os

from hypothesis import settings

# Tests talk to servers on loopback; a proxy of the environment must not get in between.
for name in ("NO_PROXY", "no_proxy"):
    os.environ[name] = "127.0.0.1,localhost,::1"

# No test compares wall-clock times, Hypothesis' own deadline included: the machines are shared.
# Derandomized, so that a run can be repeated; a failing example belongs into a test of its own.
settings.register_profile("isochrone", deadline=None, derandomize=True, database=None)
settings.load_profile("isochrone")

# pytest-asyncio asks for the current event loop and puts it back; before Python 3.14 asking makes
# one where none is set, which nobody closes: a ResourceWarning, and warnings are errors.
asyncio.set_event_loop(None)
