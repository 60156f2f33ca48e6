"""`python -m pad_ray.sandbox`: this host's protections and a hostile self-test. Exit status 0: all attacks stopped, else 1."""

import sys
from dataclasses import fields

from rich.console import Console
from rich.table import Table

from pad_ray.errors import InputError, StageError
from pad_ray.sandbox.config import SandboxConfig
from pad_ray.sandbox.protections import Protections
from pad_ray.sandbox.sandbox import Sandbox
from pad_ray.sandbox.self_test import SelfTestAttempt, self_test


def _protections_table(protections: Protections) -> Table:
    table = Table("layer", "active", title="Protections of this host")
    for field in fields(protections):
        value = getattr(protections, field.name)
        text = "; ".join(value) if isinstance(value, tuple) else str(value)
        table.add_row(field.name, text or "-")
    return table


def _checks_table(checks: list[SelfTestAttempt]) -> Table:
    table = Table("a program tries to", "stopped", "seen", title="Hostile self-test")
    for check in checks:
        table.add_row(check.name, "yes" if check.passed else "NO", check.seen)
    return table


def main() -> int:
    """Print both tables and return the exit status."""
    console = Console()
    try:
        with Sandbox(SandboxConfig(minimum="none")) as sandbox:
            checks = self_test(sandbox)
            console.print(_protections_table(sandbox.protections), _checks_table(checks))
            sandbox.protections.demand(SandboxConfig().minimum)
    except (InputError, StageError) as error:
        console.print(str(error), style="red")
        return 1
    return 0 if all(check.passed for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
