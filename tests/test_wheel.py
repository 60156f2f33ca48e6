"""The result of `pip install .`: a wheel with the jobs and recipes, and the command `pad-ray` to start them."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pad_ray.__main__ import main
from pad_ray.shipped import find_recipe, jobs, recipes

REPOSITORY = Path(__file__).parents[1]
PROGRAMS = [
    {"id": "right", "program": "def solution():\n    return 3 + 4\n", "gold": "7"},
    {"id": "imports", "program": "import sympy\ndef solution():\n    return sympy.Integer(7)\n", "gold": "7"},
    {"id": "wrong", "program": "def solution():\n    return 3 * 4\n", "gold": "7"},
]


def run(*command, folder, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PAD_RAY_DATA")}
    output = subprocess.PIPE
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, **variables},
        text=True,
        stdout=output,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout


def tracked(*folders):
    """The files of the repository that git tracks or does not ignore."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    names = subprocess.run(listed, cwd=REPOSITORY, text=True, capture_output=True, check=True).stdout.split()
    return {name for name in names if (REPOSITORY / name).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy so that no `build/` is left in the repository."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked("pad_ray", "jobs", "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((REPOSITORY / name).read_bytes())
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(out), "."]
    status, output = run(sys.executable, "-m", "pip", "wheel", *options, folder=copy)
    assert status == 0, output
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The `bin` of a new environment with the wheel. It uses this environment's packages except pad_ray."""
    place = tmp_path_factory.mktemp("environment")
    assert run(sys.executable, "-m", "venv", "--without-pip", str(place), folder=place) == (0, "")
    python = place / "bin" / "python"
    options = ["--quiet", "--no-deps", "--no-index", str(wheel)]
    status, output = run(sys.executable, "-m", "pip", "--python", str(python), "install", *options, folder=place)
    assert status == 0, output
    own = next(place.glob("lib/*/site-packages"))
    # Python reads no .pth files in folders that a .pth file adds, so this environment's editable install is not seen.
    others = [path for path in sys.path if path.endswith("site-packages")]
    (own / "others.pth").write_text("\n".join(others))
    return place / "bin"


def test_a_wheel_contains_every_file_of_library_and_jobs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {name if name.startswith("pad_ray/") else f"pad_ray/{name}" for name in tracked("pad_ray", "jobs")}


def test_the_installed_library_comes_from_the_wheel(installed, tmp_path):
    code = "import pad_ray, pad_ray.shipped as s; print(pad_ray.__file__, s.jobs_folder())"
    _, output = run(str(installed / "python"), "-c", code, folder=tmp_path)
    assert all(path.startswith(str(installed.parent)) for path in output.split())


def test_the_console_script_previews_a_shipped_recipe(installed, tmp_path):
    status, output = run(str(installed / "pad-ray"), "distill", "demo", "--dry-run", folder=tmp_path)
    assert status == 0, output
    assert "run_dir: runs/demo" in output
    assert "estimate: 360 questions" in output
    assert not list(tmp_path.iterdir())


def test_the_console_script_verifies_a_file(installed, tmp_path):
    (tmp_path / "programs.jsonl").write_text("".join(json.dumps(program) + "\n" for program in PROGRAMS))
    options = ["--input", "programs.jsonl", "--output", "out"]
    status, output = run(str(installed / "pad-ray"), "verify", *options, folder=tmp_path)
    assert status == 0, output
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["verify"]["outcomes"] == {
        "accepted": 2,
        "wrong_answer": 1,
    }


@pytest.mark.parametrize("door", [["-m", "pad_ray", "report"], [str(REPOSITORY / "jobs" / "report.py")]])
def test_both_ways_to_start_a_job_print_the_same(door, tmp_path):
    status, output = run(sys.executable, *door, "--dry-run", "runs/a", folder=tmp_path, PYTHONPATH=str(REPOSITORY))
    assert (status, output.strip()) == (0, "runs/a -> runs/a/report.html")


def test_a_failed_job_returns_its_exit_status_and_shows_its_command(tmp_path):
    door = [sys.executable, "-m", "pad_ray", "report"]
    status, output = run(*door, "no-run", folder=tmp_path, PYTHONPATH=str(REPOSITORY))
    assert status == 2, output
    _, output = run(*door, "--help", folder=tmp_path, PYTHONPATH=str(REPOSITORY))
    assert "pad-ray report" in output


def test_without_a_job_every_job_is_listed(capsys):
    assert main([]) == 0
    output = capsys.readouterr().out
    assert all(f"\n  {name} " in output for name in jobs())
    assert all(name in output for name in recipes())


def test_an_unknown_job_is_bad_input(capsys):
    assert main(["distil"]) == 2
    assert "there is no job 'distil'" in capsys.readouterr().out


def test_a_recipe_is_found_by_path_then_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = REPOSITORY / "jobs" / "recipes" / "demo.yaml"
    assert find_recipe("demo") == shipped
    assert find_recipe(shipped) == shipped
    assert find_recipe("no-such") == Path("no-such")
    Path("demo").write_text("seed: 1")
    assert find_recipe("demo") == Path("demo")
