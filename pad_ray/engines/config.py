"""The configuration of engines."""

import os
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pad_ray.errors import InputError

KINDS = ("vllm", "openai", "transformers", "scripted")
# An engine that only waits for a server needs little CPU.
ON_GPU = ("vllm", "transformers")
OPENAI_CPUS = 0.1
HIDDEN = "(hidden)"


def _known(kind: str) -> str:
    """Accept a kind of the library, or a user class as `module:Class`, which is created with its `EngineConfig`."""
    if kind not in KINDS and not re.fullmatch(r"[\w.]+:\w+", kind):
        raise ValueError(f"{kind!r} is not a kind of engine: use one of {', '.join(KINDS)}, or module:Class")
    return kind


def _hide_a_key(value: Any) -> Any:
    """Hide a key that was given instead of its variable, so that the error message does not repeat it."""
    return value if value is None or re.fullmatch("[A-Z][A-Z0-9_]*", str(value)) else HIDDEN


def _variable(name: str) -> str:
    if name == HIDDEN:
        raise ValueError(
            "has to be the name of an environment variable in capitals, such as OPENAI_API_KEY, never the key itself"
        )
    return name


def _server(url: str) -> str:
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:  # The port is no number, or above 65535.
        raise ValueError(f"has an unusable port: {error}") from None
    if not usable:
        raise ValueError(
            "has to be the base URL of /completions, without user, password or query, such as http://127.0.0.1:8000/v1"
        )
    return url.rstrip("/")


def _hide_a_password(value: Any) -> Any:
    return HIDDEN if re.search("[@?#]", str(value)) else value


# The last validator runs first, so that secrets are hidden before pydantic quotes a value in an error.
Kind = Annotated[str, AfterValidator(_known)]
VariableName = Annotated[str, AfterValidator(_variable), BeforeValidator(_hide_a_key)]
ServerUrl = Annotated[str, AfterValidator(_server), BeforeValidator(_hide_a_password)]


class EngineConfig(BaseModel):
    """A kind of engine, its model and its share of the cluster.

    If a field's description begins with kinds of engines, only those use the field; the others ignore it.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(
        "vllm",
        description="vllm: in process; openai: a server with the OpenAI protocol; transformers: slow, for models that vllm "
        "does not support; scripted: fixed answers for tests; or your own class as module:Class, on CPUs",
    )
    model: str = Field(
        "qwen2.5-coder-0.5b",
        description="known name, hub id or local folder in the Hugging Face layout; openai: the model's name on the server",
    )
    script: str | None = Field(None, description="scripted: JSON file that maps question text to completions")
    base_url: ServerUrl | None = Field(
        None, description="openai: base URL of the server, such as http://127.0.0.1:8000/v1"
    )
    api_key_env: VariableName | None = Field(
        None, description="openai: name of the environment variable with the key; default: the server needs no key"
    )
    concurrency: int = Field(32, ge=1, description="openai: concurrent requests of one engine")
    requests_per_minute: float | None = Field(
        None,
        gt=0,
        description="openai: limit of requests per minute and engine, including retries; default: no limit",
    )
    timeout_s: float = Field(600.0, gt=0, description="openai: time limit of one attempt at a request")
    attempts: int = Field(8, ge=1, description="openai: how often a request is sent before it fails")
    patience_s: float = Field(
        900.0, ge=0, description="openai: how long to wait for a server that has answered before and is lost"
    )
    logprobs: bool = Field(True, description="openai: request log probabilities; some servers reject such requests")
    actors: int | None = Field(
        None,
        ge=1,
        description="number of engines (data parallel); default: as many as the GPUs allow, else 1",
    )
    tensor_parallel: int = Field(1, ge=1, description="vllm: GPUs per engine")
    cpus: float = Field(1.0, gt=0, description="CPUs that Ray reserves per engine; default for openai: 0.1")
    threads: int | None = Field(
        None, ge=1, description="vllm, transformers: compute threads of a CPU engine; default: all cores of the node"
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        "auto",
        description="vllm, transformers: precision of the weights; auto: vllm as saved, transformers bfloat16 on GPU and "
        "float32 on CPU",
    )
    max_model_len: int = Field(
        1024, ge=64, description="vllm, transformers: maximum length of prompt plus completion, in tokens"
    )
    max_sequences: int = Field(64, ge=1, description="vllm, transformers: concurrent completions per engine")
    kv_cache_gib: int = Field(2, ge=1, description="vllm: CPU memory for the key-value cache, in GiB")
    gpu_memory_utilization: float = Field(0.9, gt=0, lt=1, description="vllm: share of GPU memory that one engine uses")
    enforce_eager: bool | None = Field(
        None, description="vllm: skip compilation; default: only on CPU, where compilation takes 100 s"
    )
    max_restarts: int = Field(
        3,
        ge=0,
        description="consecutive restarts of engines without any result before the stage fails",
    )

    @property
    def host(self) -> str:
        """Host and port of the server; empty without a server."""
        return urlsplit(self.base_url or "").netloc

    def uses_gpu(self, gpus: int) -> bool:
        """True if a cluster with `gpus` GPUs has enough for an engine; otherwise it runs on CPUs."""
        return self.kind in ON_GPU and gpus >= self.tensor_parallel

    def engine_count(self, gpus: int) -> int:
        """The number of engines: `actors` if set; else as many as `gpus` allows; else 1."""
        return self.actors or (gpus // self.tensor_parallel if self.uses_gpu(gpus) else 1)

    def api_key(self) -> str | None:
        """The key in the variable `api_key_env`; None if no variable is named.

        Raises:
            InputError: the variable is not set or is empty.
        """
        if self.api_key_env is None:
            return None
        if key := os.environ.get(self.api_key_env):
            return key
        raise InputError(
            f"the environment variable {self.api_key_env}, which api_key_env names, is not set: export it before the job; "
            "on a cluster, export it on the nodes too"
        )

    def without_key(self, text: str) -> str:
        """A text without the key, which servers may repeat in an error."""
        key = os.environ.get(self.api_key_env) if self.api_key_env else None
        return text.replace(key, "(key)") if key else text

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
