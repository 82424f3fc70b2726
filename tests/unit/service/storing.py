"""A pod whose claim has to be provisioned, and what others do about it."""

from dataclasses import replace

from scheduler.domain.workload import Pod
from tests.builders import node
from tests.harness import Harness
from tests.stored import bound_to, claim, claiming, reference_to, volume

KEY = "default/data"
FAILED = 'running PreBind plugin "VolumeBinding": '


async def waiting(harness: Harness, name: str = "p", *, cpu_milli: int = 100) -> Pod:
    """Have a pod decided on whose claim has to be provisioned."""
    harness.put_node(node("a", cpu_milli=1_000))
    if KEY not in harness.cluster.claims:
        harness.cluster.put_claim(claim("data"))
    made = harness.put_pod(claiming(name, "data", cpu_milli=cpu_milli))
    await harness.settle()
    return made


def provision(harness: Harness, name: str = "made") -> None:
    """Do what a provisioner and the volume controller do."""
    wanted = harness.cluster.claims[KEY]
    harness.cluster.put_volume(volume(name, claim=reference_to(wanted), phase="Bound"))
    harness.cluster.put_claim(bound_to(wanted, name))


def give_up(harness: Harness) -> None:
    """Do what a provisioner does that cannot make a volume."""
    harness.cluster.put_claim(replace(harness.cluster.claims[KEY], selected_node=None))


def failures(harness: Harness) -> list[str]:
    return [n.message for n in harness.cluster.notes if n.reason == "FailedScheduling"]
