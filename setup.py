"""A step that pyproject.toml cannot express: a wheel contains the folder `jobs` as `pad_ray/jobs`."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithJobs(build_py):
    """Copies the jobs into a wheel; an editable install uses those of the checkout."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            place = Path(self.build_lib, "pad_ray", "jobs")
            shutil.copytree("jobs", place, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithJobs})
