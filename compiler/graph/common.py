"""What is the same for all examples: learned tables, and what is computed of them alone. Its batch axis is 1, and it is
stretched to the batch where it meets an input.
"""

from __future__ import annotations

from collections.abc import Sequence

from einspec.ops.declare import Primitive


def makes_common(op: Primitive, inputs: Sequence[bool]) -> bool:
    """Whether what an op makes is the same for all examples, where that is said of each of its inputs."""
    laws = op.laws
    return laws.same_for_all or (all(inputs) and not laws.random and not laws.has_buffers)


def takes_common(op: Primitive, inputs: Sequence[bool]) -> bool:
    """Whether an op takes its inputs as they are, with a batch axis of 1 or not."""
    return makes_common(op, inputs) or not any(inputs)
