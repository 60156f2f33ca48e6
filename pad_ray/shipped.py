"""The jobs and recipes that come with this library: in a checkout beside it, in an installed wheel inside it."""

import ast
from pathlib import Path

_LIBRARY = Path(__file__).resolve().parent


def jobs_folder() -> Path:
    """The folder of the jobs; that of the recipes is in it."""
    installed = _LIBRARY / "jobs"
    return installed if installed.is_dir() else _LIBRARY.parent / "jobs"


def jobs() -> dict[str, Path]:
    """The file of each job by its name."""
    return {path.stem: path for path in sorted(jobs_folder().glob("[a-z]*.py"))}


def recipes() -> dict[str, Path]:
    """The file of each recipe by its name."""
    return {path.stem: path for path in sorted(jobs_folder().glob("recipes/*.yaml"))}


def find_recipe(path_or_name: str | Path) -> Path:
    """The recipe of a user, or the one that ships under this name; a file goes before a name."""
    path = Path(path_or_name)
    return path if path.is_file() else recipes().get(str(path_or_name), path)


def purpose(job: Path) -> str:
    """The first line of what a job says about itself, without importing it."""
    said = ast.get_docstring(ast.parse(job.read_text(encoding="utf-8"))) or ""
    return said.partition("\n")[0]


def summary(recipe: Path) -> str:
    """The first comment line of a recipe; empty if it begins with something else."""
    with recipe.open(encoding="utf-8") as file:
        first = file.readline().strip()
    return first.removeprefix("#").strip() if first.startswith("#") else ""
