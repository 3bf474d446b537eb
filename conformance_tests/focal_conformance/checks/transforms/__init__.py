"""Transformations and devices: a port claims those of its framework that it works under."""

from focal_conformance.checks.transforms.transform import Transform

TRANSFORM_CHECKS = (
    Transform("compile", "torch.compile", {"torch": "torch_compile"}),
    Transform("jit", "jax.jit", {"jax": "jax_transforms"}),
    Transform("grad", "gradient of a function", {"torch": "torch_transforms", "jax": "jax_transforms"}),
    Transform("vmap", "vectorised over an axis", {"torch": "torch_transforms", "jax": "jax_transforms"}),
    Transform("jvp", "forward mode", {"torch": "torch_transforms", "jax": "jax_transforms"}),
    Transform("hessian", "matrix of second derivatives", {"torch": "torch_transforms", "jax": "jax_transforms"}),
    Transform("checkpoint", "jax.checkpoint", {"jax": "jax_transforms"}),
    Transform("autocast", "torch.autocast to bfloat16", {"torch": "torch_transforms"}),
    Transform("export", "torch.export with any batch size", {"torch": "torch_transforms"}),
    Transform("meta_device", "tensors without data", {"torch": "torch_transforms"}),
    Transform("unknown_batch", "tf.function with an unknown batch size", {"tensorflow": "tensorflow_transforms"}),
    Transform("xla", "tf.function(jit_compile=True)", {"tensorflow": "tensorflow_transforms"}),
    Transform("nested_tapes", "second derivative by two tapes", {"tensorflow": "tensorflow_transforms"}),
    Transform("mixed_precision", "mixed_float16, mixed_bfloat16", {"tensorflow": "keras_transforms"}),
    Transform("keras_fit", "Keras model.fit", {"tensorflow": "keras_transforms"}),
    Transform("keras_save", "a saved and loaded Keras model", {"tensorflow": "keras_transforms"}),
    Transform("x64_off", "float64 switched off", {"jax": "jax_devices"}),
    Transform(
        "virtual_devices",
        "result where its inputs are",
        {"jax": "jax_devices", "array_api_strict": "array_api_strict_devices"},
    ),
)
"""In the order of reports. A new one is a line here and a function of its name in a module of frameworks."""

TRANSFORMS = tuple(check.name for check in TRANSFORM_CHECKS)
"""What a dialect may claim."""


def transforms_of(framework: str) -> tuple[str, ...]:
    """Those that a framework has."""
    return tuple(check.name for check in TRANSFORM_CHECKS if framework in check.modules)


__all__ = ["TRANSFORMS", "TRANSFORM_CHECKS", "transforms_of"]
