"""The history of a training run: its losses and its best validation."""

from dataclasses import dataclass, field

Entry = dict[str, float]


@dataclass
class History:
    """Losses by step (`curve`) and by validation, and the step of the best validation (-1 before the first)."""

    curve: list[Entry] = field(default_factory=list)
    validation: list[Entry] = field(default_factory=list)
    best_step: int = -1

    def add_validation(self, entry: Entry) -> bool:
        """Add a validation. True if it is the best so far: by accuracy, then by loss; by loss alone without accuracies."""
        best = [one for one in self.validation if one["step"] == self.best_step]
        better = not best or _goodness(entry) > _goodness(best[0])
        self.validation.append(entry)
        if better:
            self.best_step = int(entry["step"])
        return better

    def without_better(self) -> int:
        """The number of validations since the best one."""
        return sum(entry["step"] > self.best_step for entry in self.validation)


def _goodness(entry: Entry) -> tuple[float, float]:
    return entry.get("accuracy", 0.0), -entry["loss"]
