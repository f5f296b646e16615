"""Stores: an xarray Dataset as one Zarr (format 3) zip file that is whole, checked and the same on every writing.

A store is a single file `<name>.zarr.zip`. Its members are sorted and carry a fixed date, so equal contents give
equal bytes. It is written beside its final name and renamed into place. Opening it tests the checksum of every
member and then the digest of the values, so damage is an error and never a number. A stranger reads it without
this module:

    xarray.open_zarr(zarr.storage.ZipStore("name.zarr.zip", mode="r"), consolidated=False)
"""

import hashlib
import json
import os
import struct
import uuid
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr
import zarr

from lib.atlas.names import SUFFIX as SUFFIX

CHUNK_BYTES = 64 * 2**20
EAGER_BYTES = 256 * 2**20
_DATE = (1980, 1, 1, 0, 0, 0)


class StoreError(ValueError):
    """A store that cannot be trusted or cannot be written; the message names the file and the reason."""


def _bytes_of(values: np.ndarray) -> tuple[str, bytes]:
    """Type name and contents of an array, independent of byte order and memory layout."""
    if values.dtype.kind in "OUT":
        items = [str(item).encode() for item in values.ravel()]
        return "str", b"".join(struct.pack("<Q", len(item)) + item for item in items)
    if values.dtype.kind == "f" and np.isnan(values).any():  # Zarr does not keep the sign and payload of a NaN
        values = np.where(np.isnan(values), values.dtype.type(np.nan), values)
    dtype = values.dtype.newbyteorder("<")
    return dtype.str.lstrip("<|"), np.ascontiguousarray(values, dtype=dtype).tobytes()


def array_digest(variable: xr.Variable | xr.DataArray) -> str:
    """Hash of one variable: its dimensions, type, shape and values (16 hexadecimal digits)."""
    kind, contents = _bytes_of(np.asarray(variable.values))
    head = json.dumps([list(variable.dims), kind, list(variable.shape)])
    return hashlib.sha256(head.encode() + b"\0" + contents).hexdigest()[:16]


def digest(dataset: xr.Dataset) -> str:
    """Hash of a Dataset's values, dimensions, types and coordinates (16 hexadecimal digits).

    Chunking, compression, attributes, the order of the variables and the time of writing do not count.
    """
    lines = [
        f"{name} {'coordinate' if name in dataset.coords else 'variable'} {array_digest(dataset[name].variable)}"
        for name in sorted(map(str, dataset.variables))
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def attributes_digest(dataset: xr.Dataset) -> str:
    """Hash of the attributes of a Dataset and its variables, provenance left out (16 hexadecimal digits)."""
    own = {key: value for key, value in dataset.attrs.items() if key != "provenance"}
    attributes = {"": own} | {str(name): dict(variable.attrs) for name, variable in dataset.variables.items()}
    text = json.dumps(attributes, sort_keys=True, default=lambda value: value.tolist())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_writable(dataset: xr.Dataset) -> None:
    for name, variable in dataset.variables.items():
        if variable.dtype.kind == "O" and not all(isinstance(item, str) for item in variable.values.ravel()):
            raise StoreError(f"variable {name!r} holds Python objects; a store takes numbers, booleans and strings")
        if variable.dtype.kind in "mM":
            raise StoreError(f"variable {name!r} is a date; store a number with its unit in the attributes")


def _chunks(variable: xr.Variable) -> tuple[int, ...]:
    """Whole array, or slabs along the first dimension of at most `CHUNK_BYTES`."""
    if variable.ndim == 0 or variable.nbytes <= CHUNK_BYTES:
        return variable.shape
    row = max(1, variable.nbytes // variable.shape[0])
    return (max(1, CHUNK_BYTES // row), *variable.shape[1:])


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that is renamed into place when the block ends well, and removed otherwise.

    What killed jobs left behind under such names is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        left.unlink(missing_ok=True)
    # not the process number: on a cluster two machines may have the same one
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, contents: bytes) -> None:
    """Write a file in one piece: whoever opens it finds the old contents or the new, never a part."""
    with replacing(path) as temporary:
        temporary.write_bytes(contents)


def write(dataset: xr.Dataset, path: Path, provenance: dict | None = None) -> str:
    """Write a Dataset as a store, atomically.

    Args:
        dataset: numbers, booleans or strings along named dimensions.
        path: final name, ending in `.zarr.zip`.
        provenance: what the store was made from; kept with the digest in the attribute `provenance`.

    Returns:
        The digest of the dataset.

    Raises:
        StoreError: a variable of a type that a store does not take.
        OSError: the file cannot be written (for example: no space left); nothing is left behind.
    """
    if not path.name.endswith(SUFFIX):
        raise StoreError(f"a store's name ends in {SUFFIX}, not {path.name!r}")
    dataset = dataset.copy()
    _check_writable(dataset)
    for name, variable in dataset.variables.items():
        if variable.dtype.kind == "U":  # variable-length text: the one string type that every Zarr reader knows
            text = xr.Variable(variable.dims, variable.values.astype(object), variable.attrs)
            dataset = dataset.assign_coords({name: text}) if name in dataset.coords else dataset.assign({name: text})
        dataset[name].encoding = {}
    value = digest(dataset)
    dataset.attrs["provenance"] = {**(provenance or {}), "digest": value, "attributes": attributes_digest(dataset)}
    memory: dict = {}
    encoding = {name: {"chunks": _chunks(v)} for name, v in dataset.variables.items() if v.size and v.ndim}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=zarr.errors.ZarrUserWarning)
        dataset.to_zarr(zarr.storage.MemoryStore(memory), zarr_format=3, consolidated=False, encoding=encoding)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(memory):
            file.writestr(zipfile.ZipInfo(name, _DATE), memory[name].to_bytes())
    return value


def _opened(path: Path) -> xr.Dataset:
    # the zip's own table of contents is read first: a truncated file fails here
    with zipfile.ZipFile(path) as file:
        if path.stat().st_size <= EAGER_BYTES and (bad := file.testzip()) is not None:
            raise StoreError(f"{path}: damaged: member {bad} does not match its checksum")
    return xr.open_zarr(zarr.storage.ZipStore(path, mode="r"), consolidated=False)


def read(path: Path) -> xr.Dataset:
    """Open a store; up to 256 MiB it is read whole and its digest is checked, above that it stays lazy.

    Raises:
        StoreError: the file is missing, truncated, damaged, not a store, or its values do not match its digest.
    """
    path = Path(path)
    if not path.exists():
        raise StoreError(f"{path}: no such store")
    remake = "delete it and run again to remake it"
    try:
        dataset = _opened(path)
        if attributes_digest(dataset) != dataset.attrs.get("provenance", {}).get("attributes"):
            raise StoreError(f"{path}: damaged: its attributes are not those that were written")
        if path.stat().st_size > EAGER_BYTES:
            return dataset
        dataset = dataset.load()
    except StoreError as error:
        raise StoreError(f"{error}; {remake}") from None
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        EOFError,
        struct.error,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StoreError(f"{path}: not a readable store ({reason}); {remake}") from error
    expected = dataset.attrs.get("provenance", {}).get("digest")
    actual = digest(dataset)
    if expected != actual:
        raise StoreError(f"{path}: damaged: digest of the values is {actual}, written as {expected}; {remake}")
    for name, variable in dataset.variables.items():
        if variable.dtype.kind in "OT":
            text = np.array([str(item) for item in variable.values.ravel()], dtype=str).reshape(variable.shape)
            dataset[name] = (variable.dims, text, variable.attrs)
    return dataset


def provenance(path: Path) -> dict:
    """The provenance attribute of a store, without reading its arrays.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return json.loads(file.read("zarr.json"))["attributes"]["provenance"]
    except FileNotFoundError:
        raise StoreError(f"{path}: no such store") from None
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, NotImplementedError, zlib.error) as error:
        raise StoreError(f"{path}: not a readable store ({error})") from error
