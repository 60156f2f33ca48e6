"""The set-up of a training worker: its group, its student and tokens, and its last checkpoint."""

import os
from typing import Any

import numpy as np
import torch

from pad_ray.models import resolve
from pad_ray.run.folder import RunDir
from pad_ray.training import checkpoints
from pad_ray.training.config import TrainingConfig
from pad_ray.training.deepspeed_config import Placement, deepspeed_settings, place
from pad_ray.training.deepspeed_internals import keep_from_compiling
from pad_ray.training.history import History
from pad_ray.training.students import load_student, parameter_count
from pad_ray.training.tokens import open_tokens
from pad_ray.training.worker import WorkerState, WorkerTask

# Adapters on all linear layers have about this share of a model's parameters.
ADAPTER_SHARE = 0.02


def set_up(task: WorkerTask) -> WorkerState:
    """Join the group, load the student and the tokens, and load the last checkpoint if there is one."""
    import deepspeed
    import ray.train

    keep_from_compiling()
    torch.manual_seed(task.seed)
    deepspeed.init_distributed(dist_backend="nccl" if torch.cuda.is_available() else "gloo")
    context = ray.train.get_context()
    workers = context.get_world_size()
    saved = checkpoints.latest()
    placement = saved.placement if saved else _placement(task.config, context.get_local_world_size())
    settings = deepspeed_settings(task.config, placement, universal=bool(saved and saved.must_convert(workers)))
    kept = _partitioned_loading(settings) if placement.stage == 3 else None
    student = load_student(resolve(task.config.student).path, task.config)
    learnt = [parameter for parameter in student.model.parameters() if parameter.requires_grad]
    engine, *_ = deepspeed.initialize(model=student.model, model_parameters=learnt, config=settings)
    if task.config.compile:
        engine.compile()
    history = saved.load_into(engine, workers) if saved else History()
    run = RunDir(task.location)
    train, validation = (open_tokens(run, task.tokens, split) for split in ("train", "validation"))
    rank = context.get_world_rank()
    return WorkerState(task, rank, workers, engine, student, placement, train, validation, history, kept)


def _partitioned_loading(settings: dict[str, Any]) -> Any:
    """While this object exists, transformers loads each part of a model directly on the worker that holds it."""
    from transformers.integrations import HfDeepSpeedConfig

    return HfDeepSpeedConfig(settings)


def _placement(config: TrainingConfig, local_workers: int) -> Placement:
    """The placement for the worker with the least memory, so that all workers choose the same."""
    import deepspeed.comm

    on_gpu = torch.cuda.is_available()
    memory = torch.cuda.mem_get_info()[1] if on_gpu else _node_memory() // local_workers
    device = deepspeed.get_accelerator().current_device_name()
    least = torch.tensor([memory], dtype=torch.int64, device=device)
    deepspeed.comm.all_reduce(least, op=deepspeed.comm.ReduceOp.MIN)
    parameters = parameter_count(resolve(config.student).path)
    trained = parameters if config.lora is None else int(parameters * ADAPTER_SHARE)
    return place(config, parameters, trained, deepspeed.comm.get_world_size(), int(least.item()), on_gpu=on_gpu)


def _node_memory() -> int:
    """Bytes of memory that Ray gives to tasks on this node."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    memory = [node["Resources"].get("memory", 0.0) for node in ray.nodes() if node["NodeID"] == here]
    return int(np.max(memory, initial=0.0)) or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
