"""The first half of the way: questions -> drafts -> verdicts -> corpus, with its data card, and a page that shows it.

Examples:
    python jobs/synthesize.py demo                               # a corpus of programs
    python jobs/synthesize.py gsm8k --dry-run                    # what it would do and need
    python jobs/synthesize.py demo --synthesis.paths rationale   # steps in words

Options: run_dir data_dir seed questions.task questions.limit teacher.kind teacher.model synthesis.paths synthesis.samples
corpus.max_per_question
"""

import sys

from pad_ray import job, stages
from pad_ray.preview import preview
from pad_ray.stages import Run


def synthesize(run: Run) -> None:
    """Make a corpus. Called again on the same run, it continues; `jobs/distill.py` goes on from it."""
    inputs = stages.read_inputs(run.recipe)
    job.start(run)
    stages.store_questions(run, inputs)
    stages.make_drafts(run, inputs.plan)
    stages.build_corpus(run, inputs)
    page = stages.write_report(run)
    job.closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(job.main(str(__doc__), synthesize, preview, sys.argv[1:]))
