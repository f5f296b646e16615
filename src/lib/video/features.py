"""Features of frames by a published image encoder from a local folder."""

from pathlib import Path

import numpy as np
import torch


@torch.no_grad()
def clip_features(frames: np.ndarray, path: Path, device: str = "cpu", batch: int = 16) -> np.ndarray:
    """CLIP image embeddings of frames.

    Args:
        frames: (F, 3, H, W) in [0, 1].
        path: folder of a transformers `CLIPVisionModelWithProjection`.
        device: torch device.
        batch: frames that are encoded at once.

    Returns:
        (F, d), float32.

    Raises:
        ValueError: the folder does not exist.
    """
    from transformers import CLIPVisionModelWithProjection

    if not Path(path).exists():
        raise ValueError(f"path: got {path}, which does not exist, expected a folder of a CLIP vision model")
    model = CLIPVisionModelWithProjection.from_pretrained(path, local_files_only=True).to(device).eval()
    size = model.config.image_size
    # CLIP's own normalisation
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073], device=device)[:, None, None]
    deviation = torch.tensor([0.26862954, 0.26130258, 0.27577711], device=device)[:, None, None]
    images = torch.from_numpy(np.ascontiguousarray(frames, np.float32))
    embeddings = []
    for part in images.split(batch):
        scale = size / min(part.shape[-2:])
        shape = [max(size, round(n * scale)) for n in part.shape[-2:]]
        resized = torch.nn.functional.interpolate(part.to(device), shape, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = ((n - size) // 2 for n in shape)
        square = resized[..., top : top + size, left : left + size]
        embeddings.append(model(pixel_values=(square - mean) / deviation).image_embeds.float().cpu().numpy())
    return np.concatenate(embeddings)
