"""All uses of private names of DeepSpeed, with reasons. `tests/test_internals.py` reports names that an upgrade removed."""

from typing import Any


def keep_from_compiling() -> None:
    """Keep DeepSpeed from compiling its own all-reduce for CPUs at start; use gloo's.

    The compilation takes more than a minute in each environment, and a worker killed during it leaves a lock that blocks all
    later workers. No setting turns it off.
    """
    import deepspeed

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


def gathered_weights(engine: Any, *, learnt_alone: bool) -> Any:
    """The weights of a ZeRO-3 engine, on worker 0; all workers take part. The public method only writes a pickled file."""
    return engine._zero3_consolidated_16bit_state_dict(exclude_frozen_parameters=learnt_alone)
