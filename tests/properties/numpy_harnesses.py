"""Harnesses of what has no autodiff: the reference, and the array-API adapter on two libraries."""

import inspect

import array_api_strict
import ml_dtypes
import numpy as np
from properties.harness import Harness

import focal_adapters.array_api
import focal_ref


def numpy_array(array, dtype):
    """A NumPy array, of bfloat16 too."""
    return np.asarray(array).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype))


def loss_and_options(function, keywords):
    """A loss object, and the options of the call."""
    kind = focal_ref.LOSSES[function.__name__.removesuffix("_loss")]
    of_loss = {name: value for name, value in keywords.items() if name in inspect.signature(kind).parameters}
    return kind(**of_loss), {name: value for name, value in keywords.items() if name not in of_loss}


class ReferenceHarness(Harness):
    """focal_ref; its results are float64 whatever comes in."""

    name = "reference"

    def module(self):
        return focal_ref

    def array(self, array, dtype):
        return numpy_array(array, dtype)

    def value_and_gradient_of(self, function, logits, targets, keywords):
        both = getattr(self.module(), f"{function.__name__}_value_and_gradient")
        value, gradient = both(logits, targets, **keywords)
        np.testing.assert_array_equal(value, function(logits, targets, **keywords))
        return value, gradient

    def hessian_product_of(self, function, logits, targets, vector, keywords):
        loss, _ = loss_and_options(function, keywords)
        return loss.hessian_product(logits, targets, vector)


class ArrayApiHarness(ReferenceHarness):
    """focal_adapters.array_api on NumPy."""

    name = "array_api on numpy"

    def module(self):
        return focal_adapters.array_api

    def to_numpy(self, array):
        return np.asarray(array).astype(np.float64)

    def value_and_gradient_of(self, function, logits, targets, keywords):
        both = getattr(self.module(), f"{function.__name__}_value_and_gradient")
        value, gradient = both(logits, targets, **keywords)
        alone = function(logits, targets, **keywords)
        np.testing.assert_array_equal(self.to_numpy(value), self.to_numpy(alone))
        return value, gradient

    def hessian_product_of(self, function, logits, targets, vector, keywords):
        loss, options = loss_and_options(function, keywords)
        return self.module().apply_hessian_product(loss, logits, targets, vector, **options)


class StrictHarness(ArrayApiHarness):
    """focal_adapters.array_api on array-api-strict, which has no half types."""

    name = "array_api on array-api-strict"
    dtypes = ("float64", "float32")

    def array(self, array, dtype):
        return array_api_strict.asarray(np.asarray(array), dtype=getattr(array_api_strict, dtype))

    def dtype_of(self, array):
        return str(array.dtype).rpartition(".")[2]
