"""Check that an exported student writes the same greedy text in transformers and in vLLM.

    python -m tests.training.same_text STUDENT [--prompts 20] [--dtype float32]

Prints the number of equal completions. For each other one, it prints the position of the first difference and the gap between
transformers' logits of the two tokens: rounding can swap close logits. The exit status is 1 if a gap exceeds `ROUNDING`.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass

from pad_ray.engines.base import Request, Sampling
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import open_engine
from pad_ray.models import resolve
from pad_ray.paths import Program
from pad_ray.tasks import get_task

# Largest gap of two logits that rounding explains; bfloat16 logits from 16 to 32 are rounded to 0.125.
ROUNDING = {"float32": 1e-3, "bfloat16": 0.25}


@dataclass(frozen=True)
class Parting:
    """The first difference of two completions: the number of shared tokens, and the gap between the next tokens' logits."""

    tokens: int
    gap: float


def completions(kind: str, model: str, prompts: list[str], dtype: str) -> list[str]:
    """The greedy completions of all prompts."""
    engine = open_engine(EngineConfig(kind=kind, model=model, dtype=dtype), on_gpu=False)
    requests = [
        Request(str(number), prompt, Sampling(0.0, 1.0, 128, Program().stop), seed=0)
        for number, prompt in enumerate(prompts)
    ]
    return [generation.text for generation in asyncio.run(engine.generate(requests))]


def parting(model: str, prompt: str, ours: str, theirs: str, dtype: str) -> Parting:
    """Compute the logits at the first different token."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    weights = resolve(model).path
    tokenizer = AutoTokenizer.from_pretrained(weights)
    prefix, *both = (
        tokenizer(text, add_special_tokens=True).input_ids for text in (prompt, prompt + ours, prompt + theirs)
    )
    end = [tokenizer.eos_token_id]
    place = next(i for i, (a, b) in enumerate(zip(both[0] + end, both[1] + end, strict=False)) if a != b)
    student = AutoModelForCausalLM.from_pretrained(weights, dtype=getattr(torch, dtype))
    with torch.inference_mode():
        logits = student(torch.tensor([both[0][:place]])).logits[0, -1].float()
    pair = [logits[(ids + end)[place]] for ids in both]
    return Parting(place - len(prefix), abs(pair[0] - pair[1]).item())


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("student")
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--dtype", default="float32", choices=sorted(ROUNDING))
    asked = parser.parse_args()
    questions = get_task("arithmetic").load("test", None, asked.prompts)
    prompts = [Program().prompt(question) for question in questions]
    ours, theirs = (completions(kind, asked.student, prompts, asked.dtype) for kind in ("transformers", "vllm"))
    pairs = list(zip(prompts, ours, theirs, strict=True))
    found = [parting(asked.student, *pair, asked.dtype) for pair in pairs if pair[1] != pair[2]]
    print(f"{asked.dtype}: {len(pairs) - len(found)} of {len(pairs)} texts are equal")
    for one in found:
        print(f"parts after {one.tokens} tokens, whose logits are {one.gap:.2g} apart")
    sys.exit(any(one.gap > ROUNDING[asked.dtype] for one in found))


if __name__ == "__main__":
    main()
