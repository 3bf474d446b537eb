"""Inputs for the properties. Few shapes, as some frameworks compile for each."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

ROWS, CLASSES = 2, 3
SHAPE = (ROWS, CLASSES)
RULES = ("linear", "cross_entropy", "margin", "expected")
REDUCTIONS = ("none", "sum", "mean", "sum_classes", "mean_positives")
JUNK = (np.nan, np.inf, -np.inf, -100.0, 7.0)

kinds = st.sampled_from(("sigmoid", "softmax"))
rules = st.sampled_from(RULES)
gammas = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.floats(0.05, 5.0))
weights_of_a_class = st.one_of(st.sampled_from([0.0, 0.25, 1.0]), st.floats(0.05, 0.95))
alphas = st.one_of(st.none(), weights_of_a_class, st.tuples(*[weights_of_a_class] * CLASSES))
moderate = st.floats(-12.0, 12.0)
saturated = st.sampled_from([0.0, 1e-8, -0.5, 37.0, -37.0, 110.0, -110.0])
logits = arrays(np.float64, SHAPE, elements=st.one_of(moderate, moderate, saturated))
moderate_logits = arrays(np.float64, SHAPE, elements=moderate)
vectors = arrays(np.float64, SHAPE, elements=st.integers(-64, 64).map(lambda number: number / 32))
masks = arrays(np.bool_, SHAPE)
row_masks = arrays(np.bool_, (ROWS,))
indices = arrays(np.int64, (ROWS,), elements=st.integers(0, CLASSES - 1))
probabilities = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.01, 0.99))


@st.composite
def soft_rows(draw):
    """Rows that sum to 1, to within a rounding; some of their numbers are 0."""
    parts = draw(arrays(np.float64, SHAPE, elements=st.one_of(st.just(0.0), st.floats(0.05, 1.0))))
    parts[:, 0] += 0.05
    return parts / parts.sum(axis=-1, keepdims=True)


def one_hot(index):
    """One-hot rows; the number of classes is a row of zeros."""
    return (np.asarray(index)[..., None] == np.arange(CLASSES)).astype(np.float64)


def soft_targets(kind):
    """Targets of the shape of the logits, soft or hard."""
    return arrays(np.float64, SHAPE, elements=probabilities) if kind == "sigmoid" else soft_rows()


def hard_targets(kind):
    """Targets 0 and 1."""
    if kind == "sigmoid":
        return arrays(np.float64, SHAPE, elements=st.sampled_from([0.0, 1.0]))
    return indices.map(one_hot)


def targets(kind):
    """Either."""
    return st.one_of(soft_targets(kind), hard_targets(kind))


def masks_of(kind):
    """Masks of the shape of the losses."""
    return masks if kind == "sigmoid" else row_masks


def weights_of(kind):
    """Weights of the shape of the losses."""
    return arrays(np.float64, SHAPE if kind == "sigmoid" else (ROWS,), elements=st.floats(0.0, 3.0))


def spread(kind, per_loss):
    """Numbers of the losses, aligned with the logits."""
    array = np.asarray(per_loss)
    return array if kind == "sigmoid" else array[..., None]


@st.composite
def losses(draw):
    """Keywords of a loss."""
    return {
        "alpha": draw(alphas),
        "gamma": draw(gammas),
        "soft_targets": draw(rules),
        "detach_modulator": draw(st.booleans()),
    }
