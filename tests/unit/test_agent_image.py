"""The recipe of the agent's image, as far as it goes without an engine."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from commands.version import VERSION
from tests.unit.test_manifests import manifest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile.agent").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments."""
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in lines.splitlines() if line.strip())
    ]


def copied() -> list[tuple[str, str]]:
    """Return what is copied from the checkout, and to where."""
    return [(rest.split()[0], rest.split()[1]) for word, rest in instructions() if word == "COPY"]


def laid_out(folder: Path) -> Path:
    """Lay a folder out as the image's."""
    for source, target in copied():
        at = ROOT / source
        if at.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(at, folder / target, ignore=ignored)
        else:
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(at, folder / target)
    return folder


def test_what_the_image_copies_is_the_agent_and_no_more() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8")

    assert [source for source, _ in copied()] == [
        "LICENSE",
        "telemetry/__init__.py",
        "telemetry/agent/",
    ]
    for source, _ in copied():
        assert (ROOT / source).exists()
        assert f"\n!{source.partition('/')[0]}\n" in let_in


def test_nothing_is_installed_into_it() -> None:
    ran = [rest for word, rest in instructions() if word == "RUN"]

    [compiled] = ran
    assert compiled.startswith("python3 -m compileall -q /app")
    # What is imported there is compiled in passing; nothing comes from elsewhere.
    words = set(compiled.replace("-", " ").split())
    assert words.isdisjoint({"pip", "apt", "get", "curl", "wget", "add", "install"})


def test_it_runs_as_the_number_that_the_manifest_names() -> None:
    (user,) = [rest for word, rest in instructions() if word == "USER"]
    context = manifest("agent.yaml", "DaemonSet")["spec"]["template"]["spec"]["securityContext"]

    assert user == f"{context['runAsUser']}:{context['runAsGroup']}" == "65532:65532"


def test_what_is_copied_measures_with_the_standard_library_alone(tmp_path: Path) -> None:
    (entry,) = [yaml.safe_load(rest) for word, rest in instructions() if word == "ENTRYPOINT"]
    daemon = manifest("agent.yaml", "DaemonSet")["spec"]["template"]["spec"]["containers"][0]
    assert entry == daemon["command"] == ["python3", "-m", "telemetry.agent"]

    ended = subprocess.run(  # noqa: S603 - our own program
        # -S: not even what is installed beside Python is found.
        [sys.executable, "-B", "-S", *entry[1:], "--once", "--target=127.0.0.1", "--count=1"],
        cwd=laid_out(tmp_path),
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    # Where no ICMP is allowed nobody answers, and the status says so.
    assert (ended.stderr, ended.returncode in (0, 1)) == ("", True)
    (line,) = ended.stdout.splitlines()
    assert (json.loads(line)["target"], json.loads(line)["sent"]) == ("127.0.0.1", 1)


def test_every_module_of_it_can_be_compiled_and_loads_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    foreign = set()
    for path in laid_out(tmp_path).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                foreign |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom):
                foreign.add(node.module or "")

    own = {name for name in foreign if name.partition(".")[0] == "telemetry"}
    assert {name.partition(".")[0] for name in foreign - own} <= set(sys.stdlib_module_names)
    assert all(name.startswith("telemetry.agent") for name in own)


def test_the_daemonset_starts_the_image_of_this_version() -> None:
    daemon = manifest("agent.yaml", "DaemonSet")["spec"]["template"]["spec"]["containers"][0]

    assert daemon["image"] == f"isochrone-agent:{VERSION}"
    assert f"--tag {daemon['image']} ." in DOCKERFILE
