"""Decays, plain forms of linear attention, rotary positions."""

import pytest
import torch

from lib import attention
from lib.attention.plain import tiled_quadratic_attention


def test_slopes():
    torch.testing.assert_close(attention.alibi_slopes(8), 2.0 ** -torch.arange(1.0, 9, dtype=torch.float64))
    # twelve heads: those of eight, then 2^-0.5, 2^-1.5, 2^-2.5, 2^-3.5
    extra = 2.0 ** -torch.tensor([0.5, 1.5, 2.5, 3.5], dtype=torch.float64)
    torch.testing.assert_close(attention.alibi_slopes(12), torch.cat((attention.alibi_slopes(8), extra)))
    assert attention.alibi_slopes(1).tolist() == [2.0**-8]
    with pytest.raises(ValueError, match="heads"):
        attention.alibi_slopes(0)


def test_the_last_layer_hardly_decays():
    slopes = attention.alibi_slopes(4)
    torch.testing.assert_close(attention.layer_decay(slopes, 0, 3), -slopes * 1.00001)
    torch.testing.assert_close(attention.layer_decay(slopes, 1, 3), -slopes * 0.50001)
    torch.testing.assert_close(attention.layer_decay(slopes, 2, 3), -slopes * 0.00001)
    with pytest.raises(ValueError, match="layer"):
        attention.layer_decay(slopes, 3, 3)


@pytest.mark.parametrize(
    "form",
    [
        attention.quadratic_attention,
        attention.recurrent_attention,
        attention.cumsum_attention,
        lambda q, k, v, decay: attention.cumsum_attention(q, k, v.requires_grad_(), decay).detach(),
        lambda *x: tiled_quadratic_attention(*x, tile=7),
        lambda *x: attention.linear_attention(*x, chunk_size=8)[0],
    ],
)
def test_all_plain_forms_are_the_double_sum(form):
    torch.manual_seed(0)
    q, k = torch.randn(2, 2, 19, 3, 4, dtype=torch.float64).unbind()
    v = torch.randn(2, 19, 3, 5, dtype=torch.float64)
    log_decay = -attention.alibi_slopes(3)
    expected = torch.zeros_like(v)
    for t in range(19):
        for u in range(t + 1):
            weight = (q[:, t] * k[:, u]).sum(-1) * torch.exp(log_decay * (t - u))
            expected[:, t] += weight[..., None] * v[:, u]
    torch.testing.assert_close(form(q, k, v, log_decay), expected, atol=1e-12, rtol=1e-12)


def test_rotary_products_depend_on_distance_only():
    torch.manual_seed(0)
    a, b = torch.randn(2, 8, dtype=torch.float64).unbind()
    place = torch.tensor([0, 5, 100])
    turned_a, turned_b = (attention.rope(x.expand(3, 8), place) for x in (a, b))
    far = attention.rope(b.expand(3, 8), place + 7)
    products = (turned_a * far).sum(-1)
    torch.testing.assert_close(products, products[:1].expand(3))
    torch.testing.assert_close((turned_a * turned_b).sum(-1), (a * b).sum().expand(3))
    with pytest.raises(ValueError, match="width 3"):
        attention.rope(torch.ones(2, 3), torch.arange(2))
