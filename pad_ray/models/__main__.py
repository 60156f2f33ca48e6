"""Fetch models ahead of time: `python -m pad_ray.models NAME...` prints the folder of each."""

import argparse
import logging
import sys

from pad_ray.errors import InputError, StageError
from pad_ray.models.catalog import model_names
from pad_ray.models.resolve import resolve


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, 2 for bad input, 1 for a failed conversion; errors are one line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m pad_ray.models", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help=f"local folder, hub id, or {', '.join(model_names())}")
    names = parser.parse_args(arguments).names
    logging.basicConfig(format="%(message)s")
    logging.getLogger("pad_ray.models").setLevel(logging.INFO)
    try:
        for name in names:
            print(resolve(name).path, flush=True)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except StageError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
