"""The jobs and recipes shipped with this library: beside the package in a checkout, inside it in an installed wheel."""

import ast
from pathlib import Path

_LIBRARY = Path(__file__).resolve().parent


def jobs_folder() -> Path:
    """The folder of the jobs, which contains the folder of the recipes."""
    installed = _LIBRARY / "jobs"
    return installed if installed.is_dir() else _LIBRARY.parent / "jobs"


def jobs() -> dict[str, Path]:
    """The file of each job by its name."""
    return {path.stem: path for path in sorted(jobs_folder().glob("[a-z]*.py"))}


def recipes() -> dict[str, Path]:
    """The file of each recipe by its name."""
    return {path.stem: path for path in sorted(jobs_folder().glob("recipes/*.yaml"))}


def find_recipe(path_or_name: str | Path) -> Path:
    """The file at this path, or else the shipped recipe of this name."""
    path = Path(path_or_name)
    return path if path.is_file() else recipes().get(str(path_or_name), path)


def purpose(job: Path) -> str:
    """The first line of a job's docstring, read without importing the job."""
    docstring = ast.get_docstring(ast.parse(job.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def summary(recipe: Path) -> str:
    """The first comment line of a recipe; empty if it begins with something else."""
    with recipe.open(encoding="utf-8") as file:
        first = file.readline().strip()
    return first.removeprefix("#").strip() if first.startswith("#") else ""
