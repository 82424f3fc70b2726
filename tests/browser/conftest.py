"""A browser, and a running dev mode to look at."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.needed import need

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
MISSING = "no Chromium on this machine; on Debian: sudo apt install chromium"

# The browser itself is to be as silent as the page.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
)
SCENARIO = """\
apiVersion: isochrone.dev/v1
kind: Scenario
nodes: {source: metros, count: 30}
drift: 0s
timing: {podStart: 100ms}
manifests: [pods.yaml]
"""
POD = """\
---
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {delay_edge-1: "%s"}}
spec:
  schedulerName: custom-scheduler
  containers: [{name: main, image: none}]
"""


class DevMode:
    """Dev mode in a process of its own: 30 nodes, a pod in its budget, one whose budget is none."""

    def __init__(self, folder: Path) -> None:
        (folder / "pods.yaml").write_text(POD % ("near", "200") + POD % ("typo", "fast"))
        (folder / "scenario.yaml").write_text(SCENARIO)
        options = ("--port", "0", "--scenario", str(folder / "scenario.yaml"))
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(ROOT / "main.py"), "dev", *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._read_url()

    def _read_url(self) -> str:
        said = []
        for line in self._process.stdout or ():
            said.append(line)
            if line.startswith("status page on "):
                return line.removeprefix("status page on ").strip()
        raise RuntimeError("dev mode ended before it served its page: " + "".join(said))

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._process.terminate()
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def dev_mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevMode]:
    running = DevMode(tmp_path_factory.mktemp("dev"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    program = found or (str(ON_MACOS) if ON_MACOS.exists() else None)
    need("" if program else MISSING)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield opened
        opened.close()
