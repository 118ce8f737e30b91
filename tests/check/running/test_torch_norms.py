"""torch's own normalization is no answer, whichever way it is called."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

from normlib.check import judge
from normlib.check.running.observing import Unusable
from normlib.check.running.torch_norms import without_torch_norms

X = torch.linspace(-1, 2, 48).reshape(2, 4, 6).sin()
ROW = X[0]
aten = torch.ops.aten

ROUTES = {
    "F.batch_norm": lambda: F.batch_norm(ROW, None, None, training=True),
    "torch.batch_norm": lambda: torch.batch_norm(
        ROW, None, None, None, None, True, 0.1, 1e-5, False
    ),
    "nn.BatchNorm1d": lambda: nn.BatchNorm1d(6)(ROW),
    "nn.BatchNorm1d, eval": lambda: nn.BatchNorm1d(6).eval()(ROW),
    "torch.native_batch_norm": lambda: torch.native_batch_norm(
        ROW, None, None, None, None, True, 0.1, 1e-5
    ),
    "aten.native_batch_norm": lambda: aten.native_batch_norm(
        ROW, None, None, None, None, True, 0.1, 1e-5
    ),
    "aten._native_batch_norm_legit": lambda: aten._native_batch_norm_legit.no_stats(
        ROW, None, None, True, 0.1, 1e-5
    ),
    "F.layer_norm": lambda: F.layer_norm(X, (6,)),
    "nn.LayerNorm": lambda: nn.LayerNorm(6)(X),
    "torch.native_layer_norm": lambda: torch.native_layer_norm(
        X, (6,), None, None, 1e-5
    ),
    "aten.layer_norm": lambda: aten.layer_norm(X, (6,)),
    "F.instance_norm": lambda: F.instance_norm(X),
    "nn.InstanceNorm1d": lambda: nn.InstanceNorm1d(4)(X),
    "aten.instance_norm": lambda: aten.instance_norm(
        X, None, None, None, None, True, 0.1, 1e-5, False
    ),
    "F.group_norm": lambda: F.group_norm(X, 2),
    "torch.group_norm": lambda: torch.group_norm(X, 2),
    "nn.GroupNorm": lambda: nn.GroupNorm(2, 4)(X),
    "aten.native_group_norm": lambda: aten.native_group_norm(
        X, None, None, 2, 4, 6, 2, 1e-5
    ),
    "F.rms_norm": lambda: F.rms_norm(X, (6,)),
    "nn.RMSNorm": lambda: nn.RMSNorm(6)(X),
    "aten.rms_norm": lambda: aten.rms_norm(X, (6,)),
    "torch._weight_norm": lambda: torch._weight_norm(ROW, ROW[:, :1], 0),
    "parametrizations.weight_norm": lambda: parametrizations.weight_norm(
        nn.Linear(6, 2)
    )(X),
    "with gradients": lambda: F.layer_norm(X.clone().requires_grad_(), (6,)),
    "torch.func.vmap": lambda: torch.func.vmap(lambda x: F.layer_norm(x, (6,)))(X),
}


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_no_route_leads_to_a_norm_of_torch(route):
    route()  # it is there
    with without_torch_norms(), pytest.raises(Unusable, match="torch's own"):
        route()
    route()  # and it is there again


@pytest.mark.parametrize(
    "arithmetic",
    [
        lambda: torch.var_mean(X, dim=1, correction=0),
        lambda: X.norm(dim=1) + torch.linalg.vector_norm(X, dim=1),
        lambda: F.normalize(X),
        lambda: torch.rsqrt((X * X).mean() + 1e-5),
        lambda: nn.Linear(6, 2)(X).sum().backward(),
        lambda: nn.Conv1d(4, 2, 1)(X),
    ],
)
def test_the_arithmetic_of_torch_is_allowed(arithmetic):
    with without_torch_norms():
        arithmetic()


def test_the_report_says_what_was_called():
    def batch_norm(x, gamma, beta, eps=1e-5):
        x, gamma, beta = map(torch.from_numpy, (x, gamma, beta))
        return F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)

    report = judge("batch_norm.forward", batch_norm)
    assert report.points == 0
    assert "calls torch's own batch_norm" in report.cases[0].message


def test_a_reference_may_be_torchs_own():
    report = judge("batch_norm.module", nn.BatchNorm2d)
    assert report.points < report.max_points  # as an answer it is none
    assert "calls torch's own batch_norm" in str(report)
    assert np.isfinite(report.points)
