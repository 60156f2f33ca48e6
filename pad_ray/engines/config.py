"""How completions are generated."""

import os
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pad_ray.errors import InputError

KINDS = ("vllm", "openai", "transformers", "scripted")
# An engine that waits for a server computes little.
ON_GPU = ("vllm", "transformers")
OPENAI_CPUS = 0.1
HIDDEN = "(hidden)"


def _known(kind: str) -> str:
    """One of the library's, or `module:Class` of a user's own, which is built with its `EngineConfig`."""
    if kind not in KINDS and not re.fullmatch(r"[\w.]+:\w+", kind):
        raise ValueError(f"{kind!r} is no kind of engine: take one of {', '.join(KINDS)}, or module:Class")
    return kind


def _hide_a_key(value: Any) -> Any:
    """Whoever gives the key itself must not meet it again in the error message."""
    return value if value is None or re.fullmatch("[A-Z][A-Z0-9_]*", str(value)) else HIDDEN


def _variable(name: str) -> str:
    if name == HIDDEN:
        raise ValueError(
            "has to be the name of an environment variable in capitals, such as OPENAI_API_KEY, never the key itself"
        )
    return name


def _server(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            "has to be the URL that /completions follows, without user, password and query, such as http://127.0.0.1:8000/v1"
        )
    return url.rstrip("/")


def _hide_a_password(value: Any) -> Any:
    return HIDDEN if re.search("[@?#]", str(value)) else value


# The last validator runs first: what the one before it complains about, and pydantic quotes, is already without a secret.
Kind = Annotated[str, AfterValidator(_known)]
VariableName = Annotated[str, AfterValidator(_variable), BeforeValidator(_hide_a_key)]
ServerUrl = Annotated[str, AfterValidator(_server), BeforeValidator(_hide_a_password)]


class EngineConfig(BaseModel):
    """One kind of engine, its model and its share of the cluster.

    A description that begins with kinds of engines names those that read the field; the others ignore it.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(
        "vllm",
        description="vllm in process; a server that speaks the OpenAI protocol; transformers, slow, for what vllm does not "
        "serve; scripted answers for tests; or a class of your own as module:Class, on CPUs",
    )
    model: str = Field(
        "qwen2.5-coder-0.5b",
        description="known name, hub id or local folder in the Hugging Face layout; openai: the server's name for it",
    )
    script: str | None = Field(None, description="scripted: JSON file that maps question text to completions")
    base_url: ServerUrl | None = Field(None, description="openai: the server, such as http://127.0.0.1:8000/v1")
    api_key_env: VariableName | None = Field(
        None, description="openai: name of the environment variable that holds the key; default: a server without keys"
    )
    concurrency: int = Field(32, ge=1, description="openai: requests of one engine that are under way at once")
    requests_per_minute: float | None = Field(
        None,
        gt=0,
        description="openai: requests that one engine starts in a minute, repeated ones included; default: any",
    )
    timeout_s: float = Field(600.0, gt=0, description="openai: time that one attempt at a request may take")
    attempts: int = Field(8, ge=1, description="openai: times a request is sent before its failure counts")
    logprobs: bool = Field(True, description="openai: ask for log probabilities; some servers refuse the question")
    actors: int | None = Field(
        None,
        ge=1,
        description="engines that run side by side (data parallel); default: as many as the GPUs allow, else 1",
    )
    tensor_parallel: int = Field(1, ge=1, description="vllm: GPUs that share one engine")
    cpus: float = Field(1.0, gt=0, description="CPUs that Ray reserves for one engine; default with openai: 0.1")
    threads: int | None = Field(
        None, ge=1, description="vllm, transformers: compute threads of one CPU engine; default: all cores of the node"
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        "auto",
        description="vllm, transformers: precision of the weights; auto: as saved, with transformers bfloat16 on GPU and "
        "float32 on CPU",
    )
    max_model_len: int = Field(
        1024, ge=64, description="vllm, transformers: longest prompt and completion together, in tokens"
    )
    max_sequences: int = Field(64, ge=1, description="vllm, transformers: completions that one engine works on at once")
    kv_cache_gib: int = Field(2, ge=1, description="vllm: CPU memory for the key-value cache, in GiB")
    gpu_memory_utilization: float = Field(
        0.9, gt=0, lt=1, description="vllm: share of GPU memory that one engine takes"
    )
    enforce_eager: bool | None = Field(
        None, description="vllm: skip compilation; default: on CPU only, where it costs 100 s"
    )
    max_restarts: int = Field(
        3,
        ge=0,
        description="times in a row that an engine is started again and dies before the stage fails",
    )

    @property
    def host(self) -> str:
        """Host and port of the server; empty where there is none."""
        return urlsplit(self.base_url or "").netloc

    def uses_gpu(self, gpus: int) -> bool:
        """True where a cluster of so many GPUs has those that an engine needs; without them it runs on CPUs."""
        return self.kind in ON_GPU and gpus >= self.tensor_parallel

    def engine_count(self, gpus: int) -> int:
        """Engines that run side by side: what is asked for, or as many as so many GPUs allow, or one."""
        return self.actors or (gpus // self.tensor_parallel if self.uses_gpu(gpus) else 1)

    def api_key(self) -> str | None:
        """The key that `api_key_env` names, None where it names none.

        Raises:
            InputError: the environment has no such variable, or an empty one.
        """
        if self.api_key_env is None:
            return None
        if key := os.environ.get(self.api_key_env):
            return key
        raise InputError(
            f"the environment variable {self.api_key_env}, which api_key_env names, is not set: export it before the job, "
            "and on a cluster on its nodes too"
        )

    def serving(self, model: str) -> "EngineConfig":
        """The same engine with another model."""
        return self.model_copy(update={"model": model})

    @model_validator(mode="after")
    def _complete(self) -> "EngineConfig":
        if self.kind == "scripted" and self.script is None:
            raise ValueError(
                "engine kind 'scripted' needs `script`, a JSON file that maps question text to completions"
            )
        if self.kind == "openai" and self.base_url is None:
            raise ValueError(
                "engine kind 'openai' needs `base_url`, the server's URL, such as http://127.0.0.1:8000/v1"
            )
        if self.kind == "openai" and "cpus" not in self.model_fields_set:
            self.cpus = OPENAI_CPUS
        return self
