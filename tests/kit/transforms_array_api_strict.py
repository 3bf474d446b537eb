"""Array-API ports for `wrong_transforms`."""

import array_api_strict as xp

from focal_adapters.array_api import sigmoid_focal_loss_value_and_gradient

CPU = xp.Device("CPU_DEVICE")


def plain_gradient(logits, targets, alpha=0.25, gamma=2.0):
    return sigmoid_focal_loss_value_and_gradient(logits, targets, alpha=alpha, gamma=gamma)


def plain(logits, targets, alpha=0.25, gamma=2.0):
    return plain_gradient(logits, targets, alpha, gamma)[0]


def moved_to_the_cpu(logits, targets, alpha=0.25, gamma=2.0):
    return xp.asarray(plain(logits, targets, alpha, gamma), device=CPU)


def gradient_moved_to_the_cpu(logits, targets, alpha=0.25, gamma=2.0):
    return plain(logits, targets, alpha, gamma)


def gradient_moved_to_the_cpu_gradient(logits, targets, alpha=0.25, gamma=2.0):
    value, gradient = plain_gradient(logits, targets, alpha, gamma)
    return value, xp.asarray(gradient, device=CPU)
