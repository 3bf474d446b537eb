"""What is found about a softmax port by trying it, and the words that say otherwise."""

import numpy as np
import pytest

from focal_conformance.engine import open_session
from focal_conformance.ports import PortMissing, UsageError
from focal_conformance.ports.port import Options

HEAD = """
import numpy as np

def focal(x, t, alpha, gamma):
    x = x.astype(np.float64)
    log_p = x - x.max(-1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(-1, keepdims=True))
    t = t if t.ndim == x.ndim else np.eye(x.shape[-1])[t]
    q = ((1 - t) * np.exp(log_p)).sum(-1)
    weight = 1.0 if alpha is None else (np.asarray(alpha) * t).sum(-1)
    return weight * q**gamma * -(t * log_p).sum(-1)

"""
SOFTMAX = Options(framework="numpy", loss="softmax_focal")


@pytest.fixture
def found(tmp_path):
    """The dialect and notes that probing finds for a port given as source."""

    def find(body, options=SOFTMAX):
        path = tmp_path / "port.py"
        path.write_text(HEAD + body)
        return open_session(f"py:{path}:loss", dtypes=("float32",), options=options).port

    return find


def test_indices_and_rows(found):
    port = found("def loss(x, y, alpha=None, gamma=2.0):\n    return focal(x, y, alpha, gamma)\n")
    assert port.dialect.targets_form == "both"
    assert port.dialect.class_axis == -1
    assert port.dialect.alpha_by_class == "alpha"
    assert port.dialect.alpha_off == (None,)


@pytest.mark.parametrize(("form", "refused"), [("indices", "y.ndim == x.ndim"), ("rows", "y.ndim < x.ndim")])
def test_one_form_of_targets(found, form, refused):
    port = found(f"def loss(x, y, gamma=2.0):\n    assert not {refused}\n    return focal(x, y, None, gamma)\n")
    assert port.dialect.targets_form == form
    assert any("are not claimed: it refuses them" in note for note in port.notes)
    assert any("no alpha argument: held against alpha=None" in note for note in port.notes)


def test_forms_that_disagree_are_both_claimed_and_noted(found):
    port = found(
        "def loss(x, y, gamma=2.0):\n"
        "    y = (y + 1) % 3 if y.ndim < x.ndim else y\n"
        "    return focal(x, y, None, gamma)\n"
    )
    assert port.dialect.targets_form == "both"
    assert any("different numbers" in note for note in port.notes)


def test_classes_of_images_on_axis_1(found):
    port = found(
        "def loss(x, y, gamma=2.0):\n"
        "    assert y.shape == x.shape[:1] + x.shape[2:]\n"
        "    return focal(np.moveaxis(x, 1, -1), y, None, gamma)\n"
    )
    assert port.dialect.class_axis == 1
    assert any("axis 1" in note for note in port.notes)


def test_two_axes_alone_get_rows_as_one_matrix(found):
    port = found(
        "def loss(x, y, gamma=2.0):\n"
        "    n, c = x.shape\n"
        "    assert y.shape == (n,)\n"
        "    return focal(x, y, None, gamma)\n"
    )
    assert any("as one matrix" in note for note in port.notes)
    x, y = np.ones((4, 2, 3)), np.zeros((4, 2), dtype=int)
    assert port.call(x, y, {}).shape == (4, 2)
    with pytest.raises(AssertionError):
        port.call(x, y[:, :1], {})


@pytest.mark.parametrize(("what", "returns"), [("sum", "sum"), ("mean", "mean")])
def test_one_number(found, what, returns):
    port = found(f"def loss(x, y, gamma=2.0):\n    return np.{what}(focal(x, y, None, gamma))\n")
    assert port.dialect.reduction is None
    assert port.dialect.returns == returns
    assert port.dialect.class_axis == -1


def test_alpha_that_is_one_a_class_alone(found):
    port = found(
        "def loss(x, y, alpha=None, gamma=2.0):\n"
        "    assert alpha is None or len(alpha) == x.shape[-1]\n"
        "    return focal(x, y, alpha, gamma)\n"
    )
    assert port.dialect.alpha is None
    assert port.dialect.alpha_by_class == "alpha"
    assert any("one number for alpha is not claimed" in note for note in port.notes)


def test_one_switches_a_plain_factor_off(found):
    port = found("def loss(x, y, alpha=0.25, gamma=2.0):\n    return alpha * focal(x, y, None, gamma)\n")
    assert port.dialect.alpha_off == (1.0,)
    assert any("alpha is switched off by 1.0" in note for note in port.notes)


NAMED = (
    "def loss(x, y, gamma=2.0, ignore_index=-100, dim=1, label_smoothing=0.0):\n    return focal(x, y, None, gamma)\n"
)


def test_arguments_recognised_in_a_loss_of_rows(found):
    dialect = found(NAMED).dialect
    assert (dialect.ignore_index, dialect.axis, dialect.label_smoothing) == ("ignore_index", "dim", "label_smoothing")
    assert dialect.always == {"dim": -1}


def test_a_recognised_argument_can_be_disclaimed(found):
    names = {"ignore_index": "none", "axis": "none"}
    options = Options(framework="numpy", loss="softmax_focal", names=names)
    dialect = found(NAMED, options).dialect
    assert dialect.ignore_index is dialect.axis is None
    assert dialect.always == {}


def test_elsewhere_they_are_claimed_when_named(found):
    body = "def loss(x, t, ignore_index=-100, axis=0):\n    return x * t\n"
    plain, named = {}, {"ignore_index": "ignore_index"}
    assert found(body, Options(framework="numpy", names=plain)).dialect.ignore_index is None
    dialect = found(body, Options(framework="numpy", names=named)).dialect
    assert dialect.ignore_index == "ignore_index"
    assert dialect.axis is None


def test_a_port_that_refuses_every_form_says_why(found):
    with pytest.raises(PortMissing, match="accepts no call: it raised RuntimeError: neither"):
        found("def loss(x, y, gamma=2.0):\n    raise RuntimeError('neither')\n")


def test_an_unknown_argument_is_asked_for(found):
    with pytest.raises(UsageError, match="'num_classes' has no default"):
        found("def loss(x, y, num_classes):\n    return x\n")
