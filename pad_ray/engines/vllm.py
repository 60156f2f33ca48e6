"""vLLM in process: one `AsyncLLM` per actor, so that requests of several batches share its continuous batching."""

import asyncio
import itertools
import os
import time
from collections.abc import Sequence
from typing import Any

from pad_ray.engines.base import Generation, Request, failed
from pad_ray.engines.chat import chat_token_ids
from pad_ray.engines.config import EngineConfig
from pad_ray.models import resolve

# Only whole blocks of a shared prefix are reused; 32 tokens is the smallest block size of vLLM's CPU kernels.
CPU_BLOCK_TOKENS = 32
# Prompt and completion tokens per step on CPU: enough to fill the matrix units.
CPU_STEP_TOKENS = 2048


class VllmEngine:
    """Serves requests with vLLM. Must be created in an actor or under `__main__`: vLLM spawns processes."""

    def __init__(self, config: EngineConfig, *, on_gpu: bool) -> None:
        if on_gpu:
            _prepare_gpu()
        else:
            _prepare_cpu(config)
        import vllm
        from vllm.v1.engine.async_llm import AsyncLLM

        model = resolve(config.model)
        self.name = f"vllm {vllm.__version__} {model.name}@{model.revision}"
        arguments = _arguments(config, str(model.path), on_gpu=on_gpu)
        self.engine = AsyncLLM.from_engine_args(vllm.AsyncEngineArgs(**arguments))
        self.numbers = itertools.count()

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """One generation per request, in order. A dead engine ends the process, so that Ray restarts the actor."""
        return list(await asyncio.gather(*map(self._one, requests)))

    async def _one(self, request: Request) -> Generation:
        from vllm.exceptions import VLLMClientError
        from vllm.v1.engine.exceptions import EngineDeadError

        started = time.monotonic()
        try:
            # vLLM requires unique request ids, and a batch that Ray repeats contains the same requests.
            name = f"{request.request_id}-{next(self.numbers)}"
            # FINAL_ONLY yields one output, the complete one.
            output = await anext(
                self.engine.generate(self._prompt(request), _sampling_params(request), request_id=name)
            )
        except EngineDeadError:
            os._exit(
                1
            )  # An exception would fail the batch; after the actor's death, Ray restarts it and repeats the batch.
        except (VLLMClientError, ValueError, TypeError) as error:
            return failed(request, self.name, f"{type(error).__name__}: {error}")
        text = self._whole(output.outputs[0]) if request.sampling.keep_stop else output.outputs[0].text
        return _generation(request, self.name, text, output, time.monotonic() - started)

    def _whole(self, completion: Any) -> str:
        """The text including the rest of its last token after the stop string, which vLLM cuts off."""
        if not isinstance(completion.stop_reason, str):
            return str(completion.text)
        decoded = self.engine.get_tokenizer().decode(list(completion.token_ids), skip_special_tokens=True)
        return f"{completion.text}{decoded.partition(completion.stop_reason)[2]}"

    def _prompt(self, request: Request) -> Any:
        if isinstance(request.prompt, str):
            return request.prompt
        return {"prompt_token_ids": chat_token_ids(self.engine.get_tokenizer(), request.prompt)}


def _prepare_gpu() -> None:
    # FlashInfer's sampler does not support seeded requests, and all requests here have seeds. Yet every engine start would
    # compile it, which takes minutes and needs a CUDA compiler that the container lacks.
    os.environ.setdefault("VLLM_USE_FLASHINFER_SAMPLER", "0")


def _prepare_cpu(config: EngineConfig) -> None:
    # These variables are read when vLLM and OpenMP are first imported, which happens later.
    threads = str(config.threads or os.cpu_count() or 1)
    os.environ["OMP_NUM_THREADS"] = threads
    os.environ["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"
    # Splitting keys and values by load makes a sequence depend on its batch. It is not the only cause (RESULTS.md).
    os.environ["VLLM_CPU_ATTN_SPLIT_KV"] = "0"
    # vLLM's worker processes poll on the cores that compute; without them, the model runs in one process.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ["VLLM_CPU_KVCACHE_SPACE"] = str(config.kv_cache_gib)


def _arguments(config: EngineConfig, model: str, *, on_gpu: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": model,
        "dtype": config.dtype,
        "max_model_len": config.max_model_len,
        "max_num_seqs": config.max_sequences,
        "tensor_parallel_size": config.tensor_parallel,
        "enforce_eager": not on_gpu if config.enforce_eager is None else config.enforce_eager,
        "enable_prefix_caching": True,
        "disable_log_stats": True,
    }
    if on_gpu:
        return {**arguments, "gpu_memory_utilization": config.gpu_memory_utilization}
    # No chunked prefill: vLLM 0.32 rewinds the generator of a seeded request between chunks, which does not work on CPUs.
    return {
        **arguments,
        "block_size": CPU_BLOCK_TOKENS,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(CPU_STEP_TOKENS, config.max_model_len),
    }


def _sampling_params(request: Request) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    sampling = request.sampling
    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        stop=list(sampling.stop),
        include_stop_str_in_output=sampling.keep_stop,
        seed=request.seed,
        logprobs=0,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _generation(request: Request, engine: str, text: str, output: Any, seconds: float) -> Generation:
    completion = output.outputs[0]
    tokens = len(completion.token_ids)
    return Generation(
        request_id=request.request_id,
        engine=engine,
        text=text,
        finish_reason=completion.finish_reason,
        prompt_tokens=len(output.prompt_token_ids),
        completion_tokens=tokens,
        mean_logprob=completion.cumulative_logprob / tokens if tokens else None,
        seconds=seconds,
    )
