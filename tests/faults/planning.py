"""The decision as `run` makes it: with cover, as the settings have it by default."""

from functools import partial

from scheduler.planning.plan import plan as planned
from scheduler.reliability.cover.settings import CoverSettings

COVER = CoverSettings()

plan = partial(planned, covering=COVER)
