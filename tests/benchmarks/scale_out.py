"""The pipeline's throughput by number of engines, and the limit of its growth.

    python -m tests.benchmarks.scale_out [--engines 1 4 16 64 100] [--latency 10] [--rounds 5]

Engines are scripted ones that take as long for a block as a GPU would (--latency, in seconds) and no CPU: as many actors,
queues, transfers and commits as on so many nodes, on the cores of this machine. Each engine holds four blocks of 16 drafts
at once, so the ideal rate is known; printed is the share of it that is reached, the cores that were busy, and the memory.
Programs are really executed, by two sandboxes.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import psutil

from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint
from pad_ray.engines.stage import BATCHES_IN_FLIGHT
from pad_ray.paths import Program
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.sandbox import SandboxConfig
from pad_ray.synthesis import pipeline
from pad_ray.synthesis.config import SynthesisConfig
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import store
from pad_ray.tasks import get_task
from tests.benchmarks.synthesis import programs

BLOCK_QUESTIONS, SAMPLES = 4, 4
# CPUs offered by the Ray node; each engine takes a hundredth of a CPU, because engines only wait.
ENGINE_CPUS = 0.01
START_LIMIT_S = 900


def measure(engines: int, latency: float, rounds: int) -> None:
    """Give every engine `rounds` times the requests that it holds at once."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.json")
        script.write_text(json.dumps({"*": programs(), "@": {"seconds": latency}}))
        teacher = EngineConfig(kind="scripted", script=str(script), actors=engines, cpus=ENGINE_CPUS)
        config = SynthesisConfig(samples=SAMPLES, block_questions=BLOCK_QUESTIONS, verifiers=2)
        run = RunDir(f"{folder}/run")
        blocks = engines * BATCHES_IN_FLIGHT * rounds
        store(run, get_task("arithmetic").load("train", None, blocks * BLOCK_QUESTIONS))
        plan = Plan((Program(),), fingerprint(teacher), config, 0)
        psutil.cpu_percent()
        tally = pipeline.synthesize(pipeline.SynthesisCall(run, plan, teacher, SandboxConfig(), config, Progress()))
    rate = tally.made / tally.working_seconds
    ideal = engines * BATCHES_IN_FLIGHT * BLOCK_QUESTIONS * SAMPLES / latency
    print(
        f"{engines} engines: {rate:.1f} drafts/s, {rate / ideal:.1%} of {ideal:.0f}; "
        f"{psutil.cpu_percent():.0f}% of {psutil.cpu_count()} cores busy, start included; "
        f"{psutil.virtual_memory().used / 2**30:.1f} GiB in use",
        flush=True,
    )


def main() -> None:
    """Measure each number of engines in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", type=int, nargs="+", default=[1, 4, 16, 64, 100])
    parser.add_argument("--latency", type=float, default=10.0, help="seconds that a block takes")
    parser.add_argument("--rounds", type=int, default=5, help="blocks one after the other")
    asked = parser.parse_args()

    import ray
    import ray.data

    from pad_ray.stages import command_line

    ray.init(address="local", num_cpus=8, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    command_line.start_ray()
    # Wait for the start: starting engines would look like slow engines.
    ray.data.DataContext.get_current().wait_for_min_actors_s = START_LIMIT_S
    for engines in asked.engines:
        measure(engines, asked.latency, asked.rounds)
        time.sleep(1)
    ray.shutdown()


if __name__ == "__main__":
    main()
