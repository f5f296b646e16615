"""Decoding with caches that are filled without a prefill."""

import numpy as np
import pytest
import torch
from transformers.cache_utils import Cache, DynamicCache

from lib.bench.cached import RoomyLayer, cached_decode_times, count_cache_bytes, filled_cache
from lib.language.llama import small_llama
from lib.linearizing.convert import linearize

SIZES = {"width": 16, "layers": 2, "heads": 2, "groups": 1, "hidden": 32, "positions": 64}


@torch.no_grad()
def test_the_roomy_cache_decodes_as_transformers_own():
    model = small_llama(11, **SIZES).eval()
    tokens = torch.randint(11, (1, 12), generator=torch.Generator().manual_seed(0))
    caches = DynamicCache(), Cache(layers=[RoomyLayer(16) for _ in range(2)])
    for span in (slice(0, 7), *(slice(t, t + 1) for t in range(7, 12))):
        own, theirs = (
            model(input_ids=tokens[:, span], past_key_values=cache, use_cache=True).logits for cache in caches
        )
        torch.testing.assert_close(own, theirs)
    assert caches[1].get_seq_length() == 12
    assert count_cache_bytes(caches[1]) == 2 * 2 * 12 * 8 * 4


def test_a_filled_cache_has_the_context_and_room():
    model = small_llama(11, **SIZES).eval()
    cache = filled_cache(model, 40, 5, torch.Generator().manual_seed(0))
    assert cache.get_seq_length() == 40
    assert cache.layers[0].keys.shape == (1, 1, 45, 8)
    assert cache.layers[1].keys[:, :, :40].std() == pytest.approx(1, abs=0.2)
    linear = linearize(small_llama(11, **SIZES), window=4).eval()
    few, many = (filled_cache(linear, n, 5, torch.Generator().manual_seed(0)) for n in (40, 4000))
    assert few.get_seq_length() == 40
    assert count_cache_bytes(few) == count_cache_bytes(many) == 2 * (8 * 8 + 2 * 4 * 8) * 4


def test_times_have_every_token():
    models = {"liger": linearize(small_llama(11, **SIZES), window=4).eval(), "softmax": small_llama(11, **SIZES).eval()}
    seconds, held = cached_decode_times(models, [8, 16], 12, 2, warmup=1)
    assert seconds.shape == (2, 2, 2, 12)
    assert (seconds > 0).all()
    np.testing.assert_array_equal(held[1], 2 * 2 * 8 * 4 * np.array([8, 16]))
