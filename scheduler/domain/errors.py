"""What can go wrong, by what the caller does next.

SchedulerError
├── InputError           bad input: say what, where and the fix; exit status 2
│   └── SettingsError    the settings are wrong: stop at start-up, name the key
├── ClusterUnavailable   no answer: retry the whole cycle later
├── BindConflict         the pod moved on: forget it, the watch will tell
│   ├── BindRefused      the cluster does not allow it: say so on the pod, try again later
│   └── BindHeldBack     we may not act, nothing was sent: try again later
├── VolumeRefused        a claim or volume moved on, or may not be written: decide anew, say so
├── PlaceholderRefused a placeholder is not written: hold the binding, try again later
├── PlanRejected         the independent check found a violation: bind nothing, report a bug
└── SolverError          the solver broke its own promise: a bug
"""


class SchedulerError(Exception):
    """Root of what this project raises on purpose."""


class InputError(SchedulerError):
    """Input that cannot be read.

    Parameters
    ----------
    where
        File (and line or key) the problem is in.
    what
        What is wrong, as found.
    fix
        What would be right.
    """

    def __init__(self, where: str, what: str, fix: str) -> None:
        super().__init__(f"{where}: {what}; {fix}")
        self.where, self.what, self.fix = where, what, fix


class SettingsError(InputError):
    """The settings file is wrong."""


class ClusterUnavailable(SchedulerError):
    """The cluster did not answer."""


class BindConflict(SchedulerError):
    """The pod was bound or deleted before our binding arrived, or the binding was refused."""

    def __init__(self, pod: str, node: str, reason: str) -> None:
        super().__init__(f"cannot bind {pod} to {node}: {reason}")
        self.pod, self.node, self.reason = pod, node, reason


class BindRefused(BindConflict):
    """The cluster does not allow it: a right is missing, or an admission check says no."""


class BindHeldBack(BindConflict):
    """Nothing was sent: this replica does not lead."""


class VolumeRefused(SchedulerError):
    """A write to a claim or volume was not carried out; the text is the cluster's own."""


class EvictionRefused(SchedulerError):
    """A pod is not made to leave, and nothing was done.

    Parameters
    ----------
    reason
        The cluster's own words.
    retry_s
        Seconds after which it may be asked for again; 0 where the cluster does not say.
    """

    def __init__(self, reason: str, retry_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.retry_s = reason, retry_s


class PlaceholderRefused(SchedulerError):
    """A placeholder is not created or not deleted, and nothing was done; the cluster's words."""


class PlanRejected(SchedulerError):
    """The independent check found violations in a plan."""

    def __init__(self, violations: tuple[str, ...]) -> None:
        super().__init__(f"{len(violations)} violation(s): " + "; ".join(violations[:5]))
        self.violations = violations


class SolverError(SchedulerError):
    """A solver returned something that is not a solution."""
