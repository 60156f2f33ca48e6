"""The model card of a student: `README.md` beside its weights (https://huggingface.co/docs/hub/model-cards)."""

import yaml

from pad_ray.run import metrics
from pad_ray.run.folder import RunDir
from pad_ray.run.records import Score, StudentRole

CARD = "README.md"
TRAINED = "training.json"


def write_model_card(run: RunDir, into: str) -> None:
    """Write the model card: the student, its corpus, its recipe and its scores so far.

    Called again after new scores.
    """
    trained = run.read_json(f"{into}/{TRAINED}")
    config = trained["config"]
    front = {"base_model": config["student"], "library_name": "transformers", "tags": ["pad_ray", "distillation"]}
    measured = metrics.read(run).evaluation if into == StudentRole.AFTER.folder else []
    scores = [_score(score) for score in measured if score.student == StudentRole.AFTER]
    validation = f"Its best validation loss is {trained['best_validation_loss']:.4f} nats a token"
    if trained["best_accuracy"] is not None:
        validation += f", at an accuracy of {trained['best_accuracy']:.1%} on validation questions"
    adapters = "adapters" if config["lora"] else "all weights"
    lines = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n",
        f"# {config['student']}, distilled with pad_ray\n",
        f"Fine-tuned ({adapters}) in {trained['steps']} steps on {trained['rows']} rows of the corpus `{trained['corpus']}`, "
        f"whose card is `corpus/README.md` of the run. {validation}.\n",
        "## Scores\n",
        *(scores or ["Not measured yet."]),
        "\n## Recipe\n",
        f"```yaml\n{yaml.safe_dump({'seed': trained['seed'], 'training': config}, sort_keys=False)}```",
    ]
    card, name = "\n".join(lines) + "\n", f"{into}/{CARD}"
    if not run.exists(name) or run.read_bytes(name).decode() != card:
        run.write_text(name, card)


def _score(score: Score) -> str:
    low, high = score.interval
    return (
        f"- {score.task} ({score.split}, {score.questions} questions, {score.strategy}, {score.prompt}): "
        f"{score.accuracy:.1%}, 95 % interval {low:.1%} to {high:.1%}"
    )
