"""All kinds of fault, in the order of the table."""

from tests.faults.fault import Fault
from tests.faults.kinds.calm import Calm
from tests.faults.kinds.clocks import ClockJumps
from tests.faults.kinds.deaths import CutOff, Killed, Stopped
from tests.faults.kinds.measuring import LyingAgents, SilentAgents, SlowLinks
from tests.faults.kinds.mixed import Mixed
from tests.faults.kinds.nodes import NodeFlap
from tests.faults.kinds.refusals import ServerErrors, TooManyRequests
from tests.faults.kinds.rivals import BindConflict, ForeignPods, NodeGone, PodGone
from tests.faults.kinds.silences import LostAnswer, NoAnswer
from tests.faults.kinds.slowness import SlowApi, SlowDisk
from tests.faults.kinds.watches import Expired, ToldTwice, WatchCut

_ALONE: tuple[Fault, ...] = (
    ServerErrors(),
    TooManyRequests(),
    NoAnswer(),
    SlowApi(),
    SlowDisk(),
    WatchCut(),
    Expired(),
    ToldTwice(),
    BindConflict(),
    ForeignPods(),
    LostAnswer(),
    PodGone(),
    NodeGone(),
    NodeFlap(),
    LyingAgents(),
    SilentAgents(),
    SlowLinks(),
    ClockJumps(),
    Killed(),
)

EVERY: tuple[Fault, ...] = (Calm(), *_ALONE, Stopped(), CutOff(), Mixed(_ALONE))

BY_NAME = {fault.name: fault for fault in EVERY}
