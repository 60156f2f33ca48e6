"""The commands of cluster/README.md, as far as they can be checked without the systems that they are for."""

import re
import shlex
import subprocess

import click
import pytest
from ray.scripts.scripts import cli

from pad_ray.recipe import load_recipe
from tests.cluster.conftest import REPOSITORY
from tests.readme import BLOCKS, CLUSTER, commands

SCRIPTS = [block.text for block in BLOCKS if block.readme == CLUSTER]
RAY = [line for line in commands([CLUSTER]) if line.startswith("ray ")]
JOBS = sorted({found for text in SCRIPTS for found in re.findall(r"\bjobs/(?!recipes)[^\n#]+", text)})


def read(line):
    """Parse a line as Ray's command line does, without running it; returns the words left for a submitted job."""
    words = shlex.split(line.rstrip("& "))[1:]
    command, context = cli, click.Context(cli)
    while isinstance(command, click.Group):
        name = words.pop(0)
        command = command.get_command(context, name)
        assert command, f"ray has no command {name}"
    return command.make_context(name, words).params.get("entrypoint", ())


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_block_is_valid_shell(script):
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("line", [line for line in RAY if re.search("--|/", line)])
def test_ray_takes_every_option_of_a_command(line):
    read(line)


def test_a_misspelt_option_of_ray_is_found():
    with pytest.raises(click.UsageError):
        read("ray start --heads")
    with pytest.raises(AssertionError, match="no command"):
        read("ray jobs submit")


@pytest.mark.parametrize("line", JOBS)
def test_every_job_reads_its_recipe_and_options(line):
    job, recipe, *options = shlex.split(line)
    assert (REPOSITORY / job).is_file()
    load_recipe(REPOSITORY / recipe, options)
