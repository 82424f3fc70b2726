"""The image's recipe and the demo's start script, as far as they go without engine and cluster."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from commands.app import app
from commands.version import VERSION

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "demo" / "start-custom-scheduler.sh"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DEPLOYMENT = ROOT / "configs" / "kubernetes" / "deployment.yaml"


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments."""
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in lines.splitlines() if line.strip())
    ]


def copied() -> list[str]:
    """Return the paths that are copied from the checkout, the target left out."""
    found = [rest.split() for word, rest in instructions() if word == "COPY"]
    return [path for paths in found if not paths[0].startswith("--") for path in paths[:-1]]


def test_what_the_image_copies_is_there_and_not_kept_from_it() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8")

    assert copied()
    for path in copied():
        assert (ROOT / path).exists(), path
        assert f"\n!{path.rstrip('/')}\n" in let_in, path


def test_the_image_runs_as_a_number_that_is_not_roots() -> None:
    (user,) = [rest for word, rest in instructions() if word == "USER"]

    assert user == "65532:65532"


def test_what_is_copied_is_enough_to_run(tmp_path: Path) -> None:
    for path in copied():
        at = ROOT / path
        if at.is_dir():
            shutil.copytree(at, tmp_path / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(at, tmp_path)
    (entry,) = [yaml.safe_load(rest) for word, rest in instructions() if word == "ENTRYPOINT"]
    (command,) = [yaml.safe_load(rest) for word, rest in instructions() if word == "CMD"]
    assert [*entry, *command] == ["python3", "main.py", "run"]

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-B", *entry[1:], *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    started = ran(*command, "--kubeconfig=nowhere")  # all that `run` needs is loaded before that
    assert (started.returncode, "nowhere: no such file" in started.stderr) == (2, True)
    assert "dev mode is not part of this image" in ran("dev", "--once").stderr


def test_the_deployment_starts_what_the_image_holds() -> None:
    deployment = next(yaml.safe_load_all(DEPLOYMENT.read_text(encoding="utf-8")))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    arguments = [*container["command"], *container["args"]]

    assert arguments[:3] == ["python3", "main.py", "run"]
    assert container["image"] == f"isochrone:{VERSION}"
    known = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).stdout
    for option in arguments[3:]:
        assert option.partition("=")[0] in known


def test_the_version_is_said_and_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert CliRunner().invoke(app, ["--version"]).stdout == f"isochrone {VERSION}\n"
    assert project["version"] == VERSION


def started(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        [str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def test_a_dry_run_prints_every_step_and_needs_no_cluster(tmp_path: Path) -> None:
    matrix = tmp_path / "m.csv"
    matrix.write_text("a,b\n0,1\n1,0\n")
    ran = started(
        "--dry-run", "--matrix", str(matrix), "--context", "there", IMAGE="registry.example/i:1"
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    steps = [line for line in ran.stdout.splitlines() if line.startswith("+ ")]
    assert [step for step in steps if "kubectl" in step and "--context there" not in step] == []
    for said in ("rbac.yaml", "configmap.yaml", "deployment.yaml", "rollout status", "npz", "demo"):
        assert any(said in step for step in steps), said
    assert "two replicas of registry.example/i:1" in ran.stdout


def test_the_demo_may_be_left_out() -> None:
    ran = started("--dry-run", "--no-demo", "--no-wait", IMAGE="i")

    steps = [line for line in ran.stdout.splitlines() if line.startswith("+ ")]
    assert not any("isochrone-demo" in step or "rollout" in step for step in steps)


def test_nodes_that_cannot_see_an_image_built_here_are_not_given_one() -> None:
    ran = started("--dry-run", "--context", "production")

    assert ran.returncode == 2
    assert "the nodes of production cannot pull an image from here" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--matrix"], "--matrix needs a value"),
        (["--matrix", "/nowhere/m"], "/nowhere/m: cannot be read"),
        (["--metadata", "/nowhere/m"], "--metadata names no matrix"),
        (["--colour"], "there is no option --colour"),
    ],
    ids=range(4),
)
def test_a_wrong_option_of_the_script_is_one_sentence(arguments: list[str], said: str) -> None:
    ran = started(*arguments)

    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert said in line
