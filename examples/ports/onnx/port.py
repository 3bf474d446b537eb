"""The reference's formulas traced to ONNX graphs by ndonnx and run by onnxruntime: a port of its own.

`focal-ref verify 'cmd:python port.py'` talks to the harness at the end of this file.
"""

import json
import sys
from functools import cache

import ndonnx as ndx
import numpy as np
import onnxruntime

from focal_ref import LOSSES

DECLARATION = {
    "protocol": 1,
    "name": "focal-onnx",
    "version": onnxruntime.__version__,
    "dtypes": ["float32", "float64"],
    "gives": ["value", "gradient"],
    "losses": {
        "sigmoid_focal": {
            "parameters": ["alpha", "gamma", "reduction", "soft_targets", "detach_modulator"],
            "gives": ["value", "gradient", "hessian_product"],
        },
        # Each number of classes is a graph of its own; a second for tracing it is why the rest is not claimed.
        "softmax_focal": {"targets": "indices", "alpha_by_class": True, "zero_d": False},
    },
}


@cache
def graph(name, dtype, classes, balanced, rule, detach, product):
    """A session for any number of elements or rows; alpha and gamma are inputs like the arrays."""
    real, shape = getattr(ndx, dtype), ("N",) if classes is None else ("N", classes)
    inputs = {
        "logits": ndx.argument(shape=shape, dtype=real),
        "targets": ndx.argument(shape=("N",), dtype=real if classes is None else ndx.int64),
        "gamma": ndx.argument(shape=(), dtype=real),
    }
    if balanced:
        inputs["alpha"] = ndx.argument(shape=shape[1:], dtype=real)
    if product:
        inputs["vector"] = ndx.argument(shape=shape, dtype=real)
    loss = LOSSES[name](soft_targets=rule, detach_modulator=detach)
    # A loss takes numbers for its parameters; those of the graph are known when it is run.
    object.__setattr__(loss, "gamma", inputs["gamma"])
    object.__setattr__(loss, "alpha", inputs.get("alpha"))
    if product:
        arrays = [inputs[name] for name in ("logits", "targets", "vector")]
        outputs = {"hessian_product": loss.hessian_product(*arrays, xp=ndx)}
    else:
        both = loss.value_and_gradient(inputs["logits"], inputs["targets"], xp=ndx)
        outputs = dict(zip(("value", "gradient"), both, strict=True))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = ndx.build(inputs, outputs).SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def checked(call):
    """Loss and arrays of a call; TypeError or ValueError, the reference's own, for what makes no sense."""
    alpha, rule = call.get("alpha"), call.get("soft_targets", "linear")
    alpha = [float(a) for a in alpha] if isinstance(alpha, list) else alpha and float(alpha)
    detach = call.get("detach_modulator", False)
    loss = LOSSES[call["loss"]](alpha=alpha, gamma=float(call["gamma"]), soft_targets=rule, detach_modulator=detach)
    x, t = array(call["logits"]), array(call["targets"])
    loss.value(x, t)
    if str(x.dtype) not in DECLARATION["dtypes"]:
        raise TypeError(f"logits must be float32 or float64, got {x.dtype}")
    if (t.ndim < x.ndim) != loss.consumes_classes:
        raise ValueError("sigmoid_focal takes targets of the logits' shape, softmax_focal class indices")
    if call.get("reduction", "none") not in ("none", "sum", "mean"):
        raise ValueError(f"reduction must be none, sum or mean, got {call['reduction']!r}")
    return loss, x, t


def run(call, loss, x, t):
    """What is wanted."""
    rows, dtype, alpha, logits = loss.consumes_classes, x.dtype, loss.alpha, x
    if rows and x.shape[-1] == 1:  # ndonnx broadcasts such an axis; a class of logit -inf is not there
        logits = np.concatenate([x, np.full_like(x, -np.inf)], axis=-1)
    classes = logits.shape[-1] if rows else None
    flat = (-1, classes) if rows else (-1,)
    feeds = {"logits": logits.reshape(flat), "targets": t.reshape(-1).astype(np.int64 if rows else dtype)}
    feeds["gamma"] = np.asarray(loss.gamma, dtype)
    if rows:  # one graph serves every alpha: off is a one for each class
        alpha = np.resize(1.0 if alpha is None else alpha, classes)
    if alpha is not None:
        feeds["alpha"] = np.asarray(alpha, dtype)
    key = (loss.name, str(dtype), classes, alpha is not None, loss.soft_targets, loss.detach_modulator)
    reduction, results = call.get("reduction", "none"), {}
    if "hessian_product" in call["wants"] and not rows:
        vector = array(call["vector"]).reshape(flat)
        (results["hessian_product"],) = graph(*key, True).run(None, {**feeds, "vector": vector})
    results["value"], results["gradient"] = graph(*key, False).run(["value", "gradient"], feeds)
    divisor = max(1, results["value"].size) if reduction == "mean" else 1
    losses = results.pop("value").reshape(t.shape)
    total = losses if reduction == "none" else np.asarray(losses.sum(dtype=np.float64) / divisor)
    slopes = {name: (part[:, : x.shape[-1]] if rows else part) / divisor for name, part in results.items()}
    slopes = {name: message(part.reshape(x.shape).astype(dtype)) for name, part in slopes.items()}
    return {"value": message(total.astype(dtype)), **slopes}


def array(given):
    """The NumPy array of a message."""
    return np.array([float(number) for number in given["data"]]).astype(given["dtype"]).reshape(given["shape"])


def message(values):
    """The message of a NumPy array."""
    data = [repr(number) for number in values.astype(np.float64).ravel().tolist()]
    return {"dtype": str(values.dtype), "shape": list(values.shape), "data": data}


for line in sys.stdin:
    question = json.loads(line)
    if question["type"] == "stop":
        break
    answer, inputs = DECLARATION, None
    if question["type"] == "run":
        try:
            inputs = checked(question)
        except (TypeError, ValueError) as error:
            answer = {"refused": str(error)}
    answer = run(question, *inputs) if inputs else answer
    print(json.dumps({"id": question["id"], **answer}), flush=True)
