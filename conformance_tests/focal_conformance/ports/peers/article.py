"""The TensorFlow 1 function of a widely copied article, held against the formula the article states.

The article states FL(p_t) = -alpha_t (1 - p_t)^gamma log(p_t) for each class, summed over axis 1,
and promises float16, float32 and float64. Its function multiplies by the label once more, which
removes every negative; it adds 1e-8 inside the logarithm; it subtracts to get 1 - p_t; and it builds
alpha_t as float32. What follows computes the same numbers, in our own words.
"""

from collections.abc import Callable
from typing import Any

from focal_conformance.dialect import Dialect
from focal_conformance.ports.peers.peer import Peer

DIALECT = Dialect(
    logits="cls_preds",
    targets="onehot_labels",
    alpha_off=(),
    reduction=None,
    # Each row of labels is a distribution; nothing is said of soft labels in a single class.
    soft_targets=None,
    dtypes=("float16", "float32", "float64"),
    layout="column",
    element_axes="all but last",
    zero_d=False,
    refuses_bad_parameters=False,
    source="docstring of the published function",
)


def function() -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The function as it behaves."""
    import tensorflow as tf

    def focal_loss(onehot_labels: Any, cls_preds: Any, alpha: float = 0.25, gamma: float = 2.0) -> Any:
        labels = tf.cast(onehot_labels, tf.float32 if cls_preds.dtype == tf.float16 else cls_preds.dtype)
        is_positive = tf.equal(labels, 1.0)
        probability = tf.sigmoid(cls_preds)
        p_t = tf.where(is_positive, probability, 1.0 - probability)
        ones = tf.ones(tf.shape(labels), tf.float32)
        alpha_t = tf.where(is_positive, alpha * ones, (1.0 - alpha) * ones)
        elements = -alpha_t * (1.0 - p_t) ** gamma * labels * tf.math.log(p_t + 1e-8)
        return tf.reduce_sum(elements, axis=1)

    return focal_loss, ("the published TensorFlow 1 function, rewritten for TensorFlow 2 to give the same numbers",)


PEER = Peer(
    name="article-tf1",
    framework="tensorflow",
    packages=("tensorflow",),
    install="pip install tensorflow-cpu",
    dialect=DIALECT,
    function=function,
    documentation="docs/article.md",
)
