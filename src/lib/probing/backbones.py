"""Backbones whose final tokens are probed: small ones that train in seconds, and those of transformers and timm.

Every backbone gives `forward_tokens(images) -> (B, 1 + N, D)`: a class token, or what stands for it, and N word tokens
behind the last normalisation.
"""

import torch
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    """Self-attention of tokens `(B, T, D)`."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer on `(B, T, D)`."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A transformer block with normalisations before attention and perceptron."""

    def __init__(self, width: int, heads: int, ratio: float):
        super().__init__()
        hidden = int(ratio * width)
        self.norm1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block on `(B, T, D)`."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """A vision transformer with learned positions and a class token.

    Args:
        image: rows and columns of an image.
        patch: of a patch.
        channels: of an image.
        width: D.
        depth: blocks.
        heads: of attention.
        ratio: width of the perceptron over D.

    Raises:
        ValueError: patches that do not tile the image.
    """

    def __init__(
        self,
        image: int = 24,
        patch: int = 4,
        channels: int = 1,
        width: int = 64,
        depth: int = 3,
        heads: int = 4,
        ratio: float = 2.0,
    ):
        super().__init__()
        if image % patch:
            raise ValueError(f"patch: got {patch}, expected a divisor of image = {image}")
        self.width, self.patch = width, patch
        self.embed = nn.Conv2d(channels, width, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, 1 + (image // patch) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width, heads, ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)

    def forward_tokens(self, images: torch.Tensor, chosen: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens `(B, 1 + N, D)` of images `(B, channels, H, W)`; of the chosen patches `(B, n)` alone, if any are."""
        words = self.embed(images).flatten(2).mT + self.position[:, 1:]
        if chosen is not None:
            words = words.gather(1, chosen[..., None].expand(-1, -1, self.width))
        first = (self.class_token + self.position[:, :1]).expand(len(words), -1, -1)
        return self.norm(self.blocks(torch.cat([first, words], 1)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """As `forward_tokens`."""
        return self.forward_tokens(images)


class ConvolutionalNetwork(nn.Module):
    """Three convolutions with batch normalisation, strides 1, 2, 1; its map is not pooled.

    Args:
        channels: of an image.
        widths: of the three maps.
    """

    def __init__(self, channels: int = 1, widths: tuple[int, int, int] = (32, 64, 64)):
        super().__init__()
        self.width = widths[-1]
        layers = []
        for inputs, outputs, stride in zip((channels, *widths), widths, (1, 2, 1)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward_tokens(self, images: torch.Tensor) -> torch.Tensor:
        """Tokens `(B, 1 + N, D)` of images `(B, channels, H, W)`, the first the normalised mean of the others."""
        return map_tokens(self.layers(images))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """As `forward_tokens`."""
        return self.forward_tokens(images)


def map_tokens(features: torch.Tensor) -> torch.Tensor:
    """A map `(B, D, H, W)` as tokens `(B, 1 + H W, D)`: first its mean under layer normalisation, then its places."""
    words = features.flatten(2).mT
    pooled = functional.layer_norm(words.mean(1, keepdim=True), words.shape[-1:])
    return torch.cat([pooled, words], 1)


class MaskedDecoder(nn.Module):
    """Predicts all patches of an image from the tokens of a few: the second half of a masked autoencoder.

    Args:
        encoder: the vision transformer that is trained with it.
        width, depth, heads: of the decoder.
    """

    def __init__(self, encoder: VisionTransformer, width: int = 32, depth: int = 1, heads: int = 2):
        super().__init__()
        patches = encoder.position.shape[1] - 1
        self.patch = encoder.patch
        self.embed = nn.Linear(encoder.width, width)
        self.mask = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, patches, width))
        self.blocks = nn.Sequential(*(Block(width, heads, 2.0) for _ in range(depth)))
        self.norm, self.pixels = nn.LayerNorm(width), nn.Linear(width, encoder.embed.in_channels * self.patch**2)

    def forward(self, tokens: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """Pixels `(B, N, channels patch^2)` of all patches, from the encoder's tokens of the chosen ones `(B, n)`."""
        words = self.mask.expand(len(tokens), self.position.shape[1], -1)
        index = chosen[..., None].expand(-1, -1, words.shape[-1])
        words = words.scatter(1, index, self.embed(tokens[:, 1:]))
        return self.pixels(self.norm(self.blocks(words + self.position)))


def masked_loss(encoder: VisionTransformer, decoder: MaskedDecoder, images: torch.Tensor, shown: int) -> torch.Tensor:
    """Mean squared error on the pixels of the patches that are not shown.

    Args:
        encoder, decoder: of the masked autoencoder.
        images: (B, channels, H, W).
        shown: patches of each image that the encoder sees, drawn from torch's generator.
    """
    patches = functional.unfold(images, encoder.patch, stride=encoder.patch).mT
    order = torch.rand(patches.shape[:2], device=images.device).argsort(1)
    predicted = decoder(encoder.forward_tokens(images, order[:, :shown]), order[:, :shown])
    hidden = order[:, shown:, None].expand(-1, -1, patches.shape[-1])
    return (predicted.gather(1, hidden) - patches.gather(1, hidden)).square().mean()


class TokenBackbone(nn.Module):
    """A vision model of transformers or timm whose final tokens are read.

    Args:
        model: returns tokens `(B, T, D)` or a map `(B, D, H, W)`, itself or as `last_hidden_state`.
        prefix: tokens before the words, the class token first; None asks the model.

    Raises:
        ValueError: the number of prefix tokens cannot be told.
    """

    def __init__(self, model: nn.Module, prefix: int | None = None):
        super().__init__()
        self.model = model
        self.prefix = prefix if prefix is not None else prefix_tokens(model)

    def forward_tokens(self, images: torch.Tensor) -> torch.Tensor:
        """Tokens `(B, 1 + N, D)` of images; where there is no class token, the mean of the words stands for it.

        Raises:
            ValueError: an output that is neither tokens nor a map.
        """
        output = self.model.forward_features(images) if hasattr(self.model, "forward_features") else self.model(images)
        features = getattr(output, "last_hidden_state", output)
        if features.ndim == 4:
            return map_tokens(features)
        if features.ndim != 3:
            raise ValueError(f"model: got an output of shape {tuple(features.shape)}, expected tokens or a map")
        words = features[:, self.prefix :]
        first = features[:, :1] if self.prefix else words.mean(1, keepdim=True)
        return torch.cat([first, words], 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """As `forward_tokens`."""
        return self.forward_tokens(images)


def prefix_tokens(model: nn.Module) -> int:
    """Tokens before the words: class, distillation and register tokens of a model of transformers or timm."""
    if hasattr(model, "num_prefix_tokens"):  # timm
        return model.num_prefix_tokens
    embeddings = getattr(model, "embeddings", None)
    tokens = [getattr(embeddings, name, None) for name in ("cls_token", "distillation_token", "register_tokens")]
    return sum(token.shape[1] for token in tokens if token is not None)


def load_backbone(source: str, **config) -> TokenBackbone:
    """A vision backbone by name or by path.

    Args:
        source: `timm:<architecture>`; a folder with a checkpoint of transformers; or a model type of transformers, such
            as `vit`, `deit`, `dinov2`, `swin`, `convnext`, whose weights then are random.
        config: of the model; a folder's own configuration takes none.

    Raises:
        ValueError: a model type that transformers does not know, or options for a folder.
        FileNotFoundError: a path that is not there.
        ImportError: timm is asked for and not installed.
    """
    if source.startswith("timm:"):
        try:
            import timm
        except ImportError as error:
            raise ImportError(f"{source!r} needs timm, which the project does not install") from error
        return TokenBackbone(timm.create_model(source.removeprefix("timm:"), num_classes=0, **config))
    from pathlib import Path

    from transformers import AutoConfig, AutoModel

    if Path(source).is_dir():
        if config:
            raise ValueError(f"config: got {sorted(config)}, expected none for the checkpoint {source}")
        return TokenBackbone(AutoModel.from_pretrained(source, local_files_only=True))
    if "/" in source:
        raise FileNotFoundError(f"source: no checkpoint of transformers at {source}")
    settings = AutoConfig.for_model(source, **config)
    return TokenBackbone(AutoModel.from_config(settings))
