"""LinearScope against automatic differentiation and dense decompositions, on small networks.

CPU seconds of the two over one another, in alternation; below 1 this library is faster. The peers know nothing of
smooth units: rows and products agree on piecewise linear networks, which these are.
"""

import numpy as np
import torch
from scipy.sparse.linalg import svds
from torch import nn

from lib.bench.ratios import cpu_ratio
from lib.bench.timing import one_thread
from lib.interpreters.networks import Upscaler, classifier, randomise
from lib.interpreters.scope import linear_scope


def rows(model: nn.Module, image: torch.Tensor, chunk: int | None) -> float:
    """All rows over `torch.func.jacrev`."""

    def ours():
        with linear_scope(model) as scope:
            interpreter = scope.at(image, check=False)
            return interpreter.rows(range(interpreter.shape[0]))

    return cpu_ratio(ours, lambda: torch.func.jacrev(model, chunk_size=chunk)(image), 3)


def columns(model: nn.Module, image: torch.Tensor) -> float:
    """All columns over `torch.func.jacfwd`."""

    def ours():
        with linear_scope(model) as scope:
            return scope.at(image, check=False).columns(range(image.numel()))

    def peer():
        with torch.no_grad():
            return torch.func.jacfwd(model)(image)

    return cpu_ratio(ours, peer, 3)


def one_product(model: nn.Module, image: torch.Tensor) -> float:
    """F v and r of a new image over one forward-mode product, which gives the same two."""
    probe = torch.randn_like(image)

    def ours():
        with linear_scope(model) as scope, torch.no_grad():
            return scope.replay(torch.cat([image, probe]))

    def peer():
        with torch.no_grad():
            return torch.func.jvp(model, (image,), (probe,))

    return cpu_ratio(ours, peer, 20)


def triplets(model: nn.Module, image: torch.Tensor, count: int, dense: bool) -> float:
    """Leading singular triplets over a dense decomposition (rows by `jacrev`), or over ARPACK on the same operator."""
    image, model = image.double(), model.double()
    with linear_scope(model) as scope:
        interpreter = scope.at(image, check=False)

        def peer():
            if not dense:
                return svds(interpreter.as_linear_operator(), count, tol=1e-6)
            with torch.no_grad():
                matrix = interpreter.dense()
            return np.linalg.svd(matrix.numpy(), full_matrices=False)

        return cpu_ratio(lambda: interpreter.singular_vectors(count, 1e-6), peer, 1)


if __name__ == "__main__":
    torch.manual_seed(0)
    with one_thread():
        upscaler, image = Upscaler(2, 8, 2).eval(), torch.randn(1, 1, 16, 16)
        vgg, digit = randomise(classifier("vgg"), 0).eval(), torch.rand(1, 1, 8, 8)
        print("all rows over jacrev")
        for name, model, x in (("super-resolution, 1024 x 256", upscaler, image), ("classifier, 10 x 64", vgg, digit)):
            print(
                f"  {name}: {max(rows(model, x, chunk) for chunk in (None, 256)):.2f} of the faster of two chunk sizes"
            )
        print("all columns over jacfwd")
        for name, model, x in (("super-resolution, 1024 x 256", upscaler, image), ("classifier, 10 x 64", vgg, digit)):
            print(f"  {name}: {columns(model, x):.2f}")
        print(f"one product and the residual over a forward-mode product: {one_product(upscaler, image):.2f}")
        print(f"10 triplets over the dense decomposition: {triplets(upscaler, image, 10, True):.2f}")
        print(f"10 triplets over ARPACK: {triplets(upscaler, image, 10, False):.2f}")
