"""When an agent reports next."""

URGENT_S = 0.25
"""Between reports while urgent orders are under way, and before one that tells nothing urgent."""

ENDED_S = 0.1
"""Between reports that each answer for an urgent order, while others are under way."""

_HELD_S = 1.0
"""An answer that took longer was held back by a scheduler that waited for orders."""


def next_report_s(
    sent_s: float,
    now_s: float,
    report_s: float,
    *,
    is_urgent: bool,
    has_ended: bool,
    has_more: bool,
) -> float:
    """Return when to report next, after a report was taken or an urgent order has ended.

    Parameters
    ----------
    sent_s, now_s
        When the last report was sent, and the time.
    report_s
        The interval the scheduler wishes.
    is_urgent
        Whether urgent orders are under way.
    has_ended
        Whether some ended that the scheduler does not know of: somebody waits for them.
    has_more
        Whether there is more to tell than that report held, or it called forth something new: what
        the agent holds now is told soon, and the next orders can come.
    """
    if has_ended:
        return max(now_s, sent_s + ENDED_S if is_urgent else now_s)
    if is_urgent or has_more:
        return max(now_s, sent_s + URGENT_S)
    if now_s - sent_s >= _HELD_S:
        # The scheduler held the answer back for as long as it does: at once again, so that it
        # always has one to give orders with.
        return now_s
    return sent_s + report_s
