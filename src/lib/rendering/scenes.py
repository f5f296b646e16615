"""Scenes and lights as Datasets with named dimensions, and back."""

import numpy as np
import xarray as xr

from lib.rendering.spheres import DIRECTIONS, Clips, Light, Motion, flow_field, shade, source_video

IMAGE = ("clip", "frame", "channel", "y", "x")


def to_dataset(clips: Clips, light: Light) -> xr.Dataset:
    """Scenes, their lights, the source video, the truth under each light, and the motion between frames."""
    motion = flow_field(clips)
    pair = ("clip", "pair", "y", "x")
    return xr.Dataset(
        {
            "albedo": (IMAGE, clips.albedo),
            "normal": (("clip", "frame", "xyz", "y", "x"), clips.normal),
            "mask": (("clip", "frame", "y", "x"), clips.mask, {"long_name": "sphere"}),
            "velocity": (("clip", "xy"), clips.flow, {"units": "pixels per frame"}),
            "flow": (("clip", "pair", "xy", "y", "x"), motion.flow, {"units": "pixels"}),
            "visible": (pair, motion.visible, {"long_name": "the next frame shows the same surface"}),
            "on_sphere": (pair, motion.on_sphere, {"long_name": "visible pixels of the sphere"}),
            "source": (IMAGE, source_video(clips), {"long_name": "linear radiance under frontal soft light"}),
            "truth": (IMAGE, shade(clips, light), {"long_name": "linear radiance under the clip's light"}),
            "direction": ("clip", np.asarray(light.direction)),
            "elevation": ("clip", light.elevation, {"units": "rad"}),
            "intensity": (("clip", "channel"), light.intensity),
        },
        attrs={"directions": ", ".join(DIRECTIONS)},
    )


def from_dataset(scenes: xr.Dataset) -> tuple[Clips, Light]:
    """The scenes and lights that `to_dataset` wrote."""
    clips = Clips(*(scenes[name].values for name in ("albedo", "normal", "mask", "velocity")))
    return clips, Light(*(scenes[name].values for name in ("direction", "elevation", "intensity")))


def motion_of(scenes: xr.Dataset) -> Motion:
    """The motion between frames that `to_dataset` wrote."""
    return Motion(*(scenes[name].values for name in ("flow", "visible", "on_sphere")))
