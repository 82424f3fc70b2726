"""The agent as it runs on every node: measures and reports until it is told to end."""

import signal

from telemetry.agent.burst import Burst
from telemetry.agent.config import ReportingConfig
from telemetry.agent.log import say
from telemetry.agent.loop import Loop
from telemetry.agent.measurer import Measurer, MeasuringConfig
from telemetry.agent.row import Row
from telemetry.agent.uplink import Uplink


def run(measuring: MeasuringConfig, reporting: ReportingConfig) -> None:
    """Run until SIGTERM or Ctrl-C."""
    loop = Loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())

    def on_burst(burst: Burst) -> None:
        uplink.on_burst(burst)

    measurer = Measurer(loop, measuring, on_burst)
    uplink = Uplink(loop, measurer, Row(), reporting)
    measurer.start()
    uplink.start()
    schedulers = ", ".join(url.text for url in reporting.schedulers)
    say(f"node {reporting.node} measures by {measurer.method} and reports to {schedulers}")
    loop.run()
    uplink.close()
    measurer.close()
    loop.close()
    say("ended as asked")
