"""Shared helpers of the cluster tests: the files' locations, and the repository path of a path inside an image."""

import os
import shlex
import shutil
import sysconfig
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
CLUSTER = REPOSITORY / "cluster"
IN_IMAGE = "/opt/pad_ray/"


def tool(name):
    """A linter that cluster/locks/dev.txt installs."""
    found = shutil.which(name, path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))
    assert found, f"{name} is not installed: pip install --no-deps -r cluster/locks/dev.txt"
    return found


def documents(path):
    """The YAML documents of a file."""
    return list(yaml.safe_load_all(path.read_text()))


def of_kind(path, kind):
    """The only document of a kind in a file."""
    (found,) = (document for document in documents(path) if document["kind"] == kind)
    return found


def nodes(value):
    """Every mapping inside a document, itself first."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def job_words(command):
    """The words of `python jobs/X.py RECIPE --options` after `python`; paths are mapped to files of the repository."""
    words = shlex.split(command)
    return [word.replace(IN_IMAGE, f"{REPOSITORY}/") for word in words[words.index("python") + 1 :]]


def check_job(words):
    """Check that the script exists and that the recipe accepts the options."""
    from pad_ray.recipe import load_recipe

    script, recipe, *options = words
    assert (REPOSITORY / script).is_file()
    return load_recipe(REPOSITORY / recipe, options)
