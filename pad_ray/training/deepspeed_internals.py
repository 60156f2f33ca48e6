"""The private names of DeepSpeed that this library uses, and why; `tests/test_internals.py` says which an upgrade took away."""

from typing import Any


def keep_from_compiling() -> None:
    """Keep DeepSpeed from compiling an all-reduce of its own for CPUs when it starts; gloo's is used.

    The compiler runs for more than a minute, anew in each environment, and a worker that is killed meanwhile leaves a lock
    behind for which all later ones wait. No setting turns it off.
    """
    import deepspeed

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


def gathered_weights(engine: Any, *, learnt_alone: bool) -> Any:
    """The weights of a ZeRO-3 engine on worker 0; all workers take part. The public method writes them to a pickled file."""
    return engine._zero3_consolidated_16bit_state_dict(exclude_frozen_parameters=learnt_alone)
