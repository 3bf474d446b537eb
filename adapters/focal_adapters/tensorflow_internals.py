"""What TensorFlow knows and does not tell: who watches, who compiles, how XLA is kept from merging loops.

No public function has an answer. Without these (TensorFlow 2.21 has them) all is as right, and slower.
"""

import importlib
from typing import Any

import tensorflow as tf

Tensor = Any


def _internal(module: str, name: str) -> Any:
    """A function of TensorFlow, or None in a version that has none of that name."""
    try:
        return getattr(importlib.import_module(f"tensorflow.{module}"), name, None)
    except ImportError:
        return None


_should_record = _internal("python.eager.record", "should_record_backprop")
_in_xla_context = _internal("python.ops.control_flow_util", "GraphOrParentsInXlaContext")
_barrier = _internal("compiler.tf2xla.ops.gen_xla_ops", "xla_optimization_barrier")


def watched(tensor: Tensor) -> bool:
    """Whether a gradient tape may ask for derivatives; in a graph anybody may, and nobody asks for nothing."""
    return not tf.executing_eagerly() or _should_record is None or _should_record([tensor])


def compiled_by_xla() -> bool:
    """Whether a function is being traced that was declared with ``jit_compile=True``, or one in it."""
    if tf.executing_eagerly() or _in_xla_context is None:
        return False
    return bool(_in_xla_context(tf.compat.v1.get_default_graph()))


def apart(*tensors: Tensor) -> Any:
    """Tensors of which XLA does not know how they came to be; only where `compiled_by_xla`."""
    return tensors if _barrier is None else _barrier(list(tensors))
