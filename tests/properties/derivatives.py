"""No derivative but with respect to the logits, and no third one. For frameworks with autodiff."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.strategies import kinds, moderate_logits, targets, weights_of


@given(st.data(), kinds, moderate_logits, st.sampled_from(["targets", "weight"]))
def test_nothing_else_has_a_derivative(harness, data, kind, x, name):
    t, weight = data.draw(targets(kind), "targets"), data.draw(weights_of(kind), "weight")
    arrays = [harness.array(array, "float64") for array in (x, t, weight)]
    if harness.name == "tensorflow":
        assert harness.derivative_with_respect_to(name, harness.function(kind), *arrays) is None
        return
    with pytest.raises(TypeError, match=f"{name} must not"):
        harness.derivative_with_respect_to(name, harness.function(kind), *arrays)


@given(st.data(), kinds, moderate_logits)
def test_third_derivative_is_refused(harness, data, kind, x):
    t = data.draw(targets(kind), "targets")
    with pytest.raises(harness.third_refused, match="third derivatives are not provided"):
        harness.third_derivative(harness.function(kind), harness.array(x, "float64"), harness.array(t, "float64"))
