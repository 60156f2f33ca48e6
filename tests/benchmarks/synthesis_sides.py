"""One side of `tests.benchmarks.synthesis engine` in a separate process: `bare` or `pipeline`.

Arguments: side, folder, model, questions, round, samples. Prints drafts a second as JSON on its last line. Both sides use
the same prompts, sampling, seeds and engine settings; time counts from the first request, once the engine is up.
"""

import json
import sys
import time

from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint
from pad_ray.paths import Program
from pad_ray.paths.demonstrations import load_sets
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig, judge
from pad_ray.schema import PathKind
from pad_ray.synthesis import pipeline
from pad_ray.synthesis.config import SynthesisConfig
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import store
from pad_ray.tasks import get_task


def bare(plan: Plan, teacher: EngineConfig, questions: list) -> dict[str, float]:
    """`vllm.LLM.generate` on all requests at once, then one execution after the other."""
    from pad_ray.engines.vllm import _arguments, _prepare_cpu, _sampling_params
    from pad_ray.models import resolve

    _prepare_cpu(teacher)
    import vllm

    llm = vllm.LLM(**_arguments(teacher, str(resolve(teacher.model).path), on_gpu=False))
    asked = [(question, draft.request) for question in questions for draft in plan.drafts(question)]
    started = time.perf_counter()
    outputs = llm.generate([r.prompt for _, r in asked], [_sampling_params(r) for _, r in asked], use_tqdm=False)
    generated = time.perf_counter() - started
    with Sandbox(SandboxConfig()) as sandbox:
        for (question, request), output in zip(asked, outputs, strict=True):
            program = Program().parse(output.outputs[0].text).text
            judge(sandbox, [Candidate(request.request_id, program, question.gold, question.answer_kind, question.text)])
        executed = time.perf_counter() - started
    return {"bare": len(asked) / generated, "bare and a loop of executions": len(asked) / executed}


def whole(plan: Plan, teacher: EngineConfig, questions: list, folder: str) -> dict[str, float]:
    """The Ray Data pipeline; the clock starts with the first request and stops after the last commit and the manifest."""
    import ray

    from pad_ray.stages import command_line

    command_line.start_ray()
    run = RunDir(f"{folder}/run")
    store(run, questions)
    tally = pipeline.synthesize(pipeline.SynthesisCall(run, plan, teacher, SandboxConfig(), plan.config, Progress()))
    seconds = tally.working_seconds
    ray.shutdown()
    return {"pipeline": tally.made / seconds}


def main() -> None:
    """Run one side."""
    side, folder, model = sys.argv[1:4]
    count, number, samples = map(int, sys.argv[4:])
    # Each round uses other questions than the previous one.
    questions = get_task("arithmetic").load("train", None, count * (number + 1))[count * number :]
    config = SynthesisConfig(
        samples=samples, temperature=0.5, top_p=1.0, max_tokens=160, verifiers=1, block_questions=8
    )
    teacher = EngineConfig(model=model, cpus=1.0, threads=1)
    plan = Plan((Program(load_sets("arithmetic", PathKind.PROGRAM, None)[:1]),), fingerprint(teacher), config, number)
    rates = bare(plan, teacher, questions) if side == "bare" else whole(plan, teacher, questions, folder)
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
