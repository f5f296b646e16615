"""Videos as files: folders of images, and the formats that FFmpeg reads."""

from pathlib import Path

import numpy as np

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif")


def read_video(path: Path, size: tuple[int, int] | None = None, frames: int | None = None) -> tuple[np.ndarray, float]:
    """Read a video file or a folder of images, sorted by name.

    Args:
        path: file or folder.
        size: (height, width) to resize to, after cropping the middle to that shape.
        frames: number of frames to read, from the first.

    Returns:
        Frames (F, 3, H, W), float32 in [0, 1], and frames per second (8 for a folder).

    Raises:
        ValueError: no such file, no images in the folder, fewer frames than requested, or images of different sizes.
    """
    from PIL import Image

    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGES)
        images = [np.asarray(Image.open(file).convert("RGB")) for file in files[:frames]]
        rate = 8.0
    elif path.is_file():
        import imageio.v3 as iio

        rate = float(iio.immeta(path, plugin="pyav").get("fps") or 8)
        images = []
        for image in iio.imiter(path, plugin="pyav"):
            images.append(image)
            if frames and len(images) == frames:
                break
    else:
        raise ValueError(f"path: got {path}, expected a video file or a folder of images")
    if not images or (frames and len(images) < frames):
        raise ValueError(f"path: got {len(images)} frames in {path}, expected {frames or 'at least one'}")
    if size:
        images = [np.asarray(_fit(Image.fromarray(image), size)) for image in images]
    if len({image.shape for image in images}) > 1:
        raise ValueError(f"path: got images of different sizes in {path}, expected one size (or a size to resize to)")
    return np.stack(images).transpose(0, 3, 1, 2).astype(np.float32) / 255, rate


def _fit(image, size: tuple[int, int]):
    from PIL import ImageOps

    return ImageOps.fit(image, (size[1], size[0]))


def write_video(path: Path, frames: np.ndarray, rate: float = 8.0) -> None:
    """Write frames (F, 3, H, W) in [0, 1] as a video file (`.mp4`) or, where the path has no suffix, a folder of PNGs.

    Raises:
        ValueError: another suffix, or an odd height or width in a video file.
    """
    path = Path(path)
    images = np.round(np.clip(frames, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    if path.suffix == "":
        from PIL import Image

        path.mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(images):
            Image.fromarray(image).save(path / f"{index:05d}.png")
    elif path.suffix == ".mp4":
        if images.shape[1] % 2 or images.shape[2] % 2:
            raise ValueError(f"frames: got {images.shape[1]} x {images.shape[2]} pixels, expected even for {path}")
        import imageio.v3 as iio

        path.parent.mkdir(parents=True, exist_ok=True)
        iio.imwrite(path, images, plugin="pyav", codec="libx264", fps=round(rate))
    else:
        raise ValueError(f"path: got {path}, expected an .mp4 file or a folder")


def list_videos(folder: Path) -> list[Path]:
    """Video files and folders of images in a folder, sorted by name.

    Raises:
        ValueError: no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"folder: got {folder}, expected a folder of videos")
    return sorted(
        item
        for item in folder.iterdir()
        if item.suffix.lower() in VIDEOS
        or (item.is_dir() and any(file.suffix.lower() in IMAGES for file in item.iterdir()))
    )
