"""Stores: whole or not there, damage is an error, digests depend on values only."""

import random

import numpy as np
import pytest
import xarray as xr

from lib.atlas.job import store


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "a": (("x", "y"), rng.normal(size=(50, 4))),
            "b": ("x", np.arange(50)),
            "flag": ("y", [True, False, True, True]),
        },
        coords={"y": ["p", "qq", "r", "s"], "big": ("y", np.array([1, 2, 3, 2**63], dtype=np.uint64))},
        attrs={"title": "x"},
    )


def test_what_is_written_is_read(dataset, tmp_path):
    path = tmp_path / "a.zarr.zip"
    digest = store.write(dataset, path, {"paper": "p", "inputs": {"x": {"digest": "0"}}})
    again = store.read(path)
    xr.testing.assert_equal(again, dataset)
    assert again.attrs["provenance"]["digest"] == digest == store.digest(dataset)
    assert store.provenance(path)["inputs"] == {"x": {"digest": "0"}}


def test_equal_contents_are_equal_bytes(dataset, tmp_path):
    for name in ("a", "b"):
        store.write(dataset, tmp_path / f"{name}.zarr.zip", {"paper": "p"})
    assert (tmp_path / "a.zarr.zip").read_bytes() == (tmp_path / "b.zarr.zip").read_bytes()


def test_a_stranger_reads_it_with_xarray(dataset, tmp_path):
    import zarr

    store.write(dataset, tmp_path / "a.zarr.zip")
    opened = xr.open_zarr(zarr.storage.ZipStore(tmp_path / "a.zarr.zip", mode="r"), consolidated=False)
    np.testing.assert_array_equal(opened["a"], dataset["a"])


def test_digest_depends_on_values_names_and_types_only(dataset):
    base = store.digest(dataset)
    assert store.digest(dataset.assign_attrs(other=1)) == base
    assert store.digest(dataset[["flag", "b", "a"]]) == base
    big_endian = dataset.assign(b=dataset.b.astype(">i8"))
    assert store.digest(big_endian) == base
    changed = dataset.copy(deep=True)
    changed["a"][3, 2] = np.nextafter(changed["a"][3, 2].item(), 1)
    assert store.digest(changed) != base
    assert store.digest(dataset.rename(b="c")) != base
    assert store.digest(dataset.assign(b=dataset.b.astype("int32"))) != base


def test_every_flipped_bit_is_an_error_or_harmless(dataset, tmp_path):
    path = tmp_path / "a.zarr.zip"
    store.write(dataset, path, {"paper": "p"})
    whole, draw, refused = path.read_bytes(), random.Random(3), 0
    clean = store.read(path)
    for _ in range(200):
        bit = draw.randrange(8 * len(whole))
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            assert store.read(path).identical(clean)
        except store.StoreError as error:
            refused += "a.zarr.zip" in str(error)
    assert refused > 150


@pytest.mark.parametrize("method", range(1, 16))
def test_a_member_that_claims_to_be_compressed_is_an_error(dataset, tmp_path, method):
    path = tmp_path / "a.zarr.zip"
    store.write(dataset, path)
    contents = bytearray(path.read_bytes())
    contents[contents.index(b"PK\x01\x02") + 10] = method  # of the first member, in the table of contents
    path.write_bytes(contents)
    with pytest.raises(store.StoreError, match=r"a\.zarr\.zip"):
        store.read(path)


@pytest.mark.parametrize("keep", [0, 10, 0.5, -1])
def test_truncation_is_an_error(dataset, tmp_path, keep):
    path = tmp_path / "a.zarr.zip"
    store.write(dataset, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(store.StoreError, match=r"a\.zarr\.zip"):
        store.read(path)


def test_a_failed_write_leaves_the_old_store_and_nothing_else(dataset, tmp_path):
    path = tmp_path / "a.zarr.zip"
    store.write(dataset, path)
    before = path.read_bytes()

    def fail():
        with store.replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr.zip"]


def test_what_a_store_does_not_take_is_named(tmp_path):
    with pytest.raises(store.StoreError, match="'x' holds Python objects"):
        store.write(xr.Dataset({"x": ("i", np.array([{}, 1], dtype=object))}), tmp_path / "a.zarr.zip")
    with pytest.raises(store.StoreError, match="ends in"):
        store.write(xr.Dataset(), tmp_path / "a.nc")
    with pytest.raises(store.StoreError, match="no such store"):
        store.read(tmp_path / "missing.zarr.zip")


def test_a_not_a_number_of_either_sign_is_read_back(tmp_path):
    path = tmp_path / "a.zarr.zip"
    for value in (np.nan, -np.nan):  # the sign bit of a chunk full of NaN does not survive writing
        for kind in ("f4", "f8"):
            store.write(xr.Dataset({"a": (("x", "y"), np.full((2, 3), value, kind))}), path)
            assert np.isnan(store.read(path)["a"]).all()


def test_attributes_are_part_of_what_is_checked(dataset, tmp_path):
    path = tmp_path / "a.zarr.zip"
    dataset.attrs["parts"] = np.int64(3)
    dataset["a"].attrs["unit"] = "m"
    store.write(dataset, path)
    before = store.read(path)
    assert before.attrs["parts"] == 3
    assert store.attributes_digest(before) == before.attrs["provenance"]["attributes"]
    before["a"].attrs["unit"] = "km"
    assert store.attributes_digest(before) != before.attrs["provenance"]["attributes"]
    assert store.digest(before) == store.digest(dataset)
