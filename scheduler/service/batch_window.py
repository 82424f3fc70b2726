"""When a batch is taken: soon after pods come, or at fixed intervals."""

from scheduler.service.queue_settings import QueueSettings


def due_s(settings: QueueSettings, first_s: float, last_s: float) -> float:
    """Return when the active pods are to be decided on.

    At fixed intervals it is the first tick after the first pod: ticks are multiples of the interval
    on the clock of the queue, whatever happens, so that rounds of several runs can be compared. A
    round that takes longer than that is followed by the next one at once.

    Parameters
    ----------
    settings
        With the window or the interval.
    first_s, last_s
        When the first and the last of them became active.
    """
    if settings.has_interval:
        interval_s = settings.batch_interval_milliseconds / 1000
        return (first_s // interval_s + 1) * interval_s
    idle_s = settings.batch_idle_milliseconds / 1000
    max_s = settings.batch_max_milliseconds / 1000
    return min(last_s + idle_s, first_s + max_s)


def longest_rest_s(settings: QueueSettings) -> float:
    """Return how long the queue may rest after a round, seconds; intervals are rest enough."""
    return 0.0 if settings.has_interval else settings.batch_max_milliseconds / 1000
