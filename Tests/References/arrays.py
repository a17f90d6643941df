"""Keeps files of arrays as NumPy writes them, for the tests to read; or checks files that Tessera has written.

    torch/bin/python Tests/References/arrays.py                # writes Tests/References/arrays/
    torch/bin/python Tests/References/arrays.py FILE.npz …     # holds files of the test `everyTypeComesBack` to their numbers
"""

import os
import sys

import numpy as np

TYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def numbers(name):
    """0 to 23 less 3, as far as the type has numbers below 0, in half steps, as far as it has them."""
    dtype = np.dtype(name)
    if dtype.kind == "b":
        return np.arange(24).reshape(2, 3, 4) % 3 == 0
    counts = np.arange(24, dtype=np.float64).reshape(2, 3, 4) - (0 if dtype.kind == "u" else 3)
    return (counts / 2 if dtype.kind == "f" else counts).astype(dtype)


def keep(folder):
    os.makedirs(folder, exist_ok=True)
    arrays = {}
    for name in TYPES:
        for order in "<>" if np.dtype(name).itemsize > 1 else "|":
            array = numbers(name).astype(name if order == "|" else order + name)
            arrays[f"{array.dtype.str}/C"] = array
            arrays[f"{array.dtype.str}/F"] = np.asfortranarray(array)
    arrays["scalar"] = np.float32(1.5)
    arrays["empty"] = np.zeros((0, 4), "<f4")
    arrays["ü"] = np.arange(3, dtype="<i4")
    np.savez(f"{folder}/stored.npz", **arrays)
    np.savez_compressed(f"{folder}/deflated.npz", **arrays)
    np.save(f"{folder}/saved.npy", numbers("f4"))
    np.save(f"{folder}/vector.npy", numbers("u1").reshape(24))
    for version in (1, 2, 3):
        with open(f"{folder}/version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, np.asfortranarray(numbers("i8").astype(">i8")), version=(version, 0))
    np.save(f"{folder}/text.npy", np.array(["a", "bc"]))
    np.save(f"{folder}/records.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))


def check(path):
    with np.load(path) as file:
        assert sorted(file.files) == sorted([np.dtype(name).name for name in TYPES] + ["scalar", "empty", "ü"])
        for name in TYPES:
            found = file[np.dtype(name).name]
            assert found.dtype == np.dtype(name) and np.array_equal(found, numbers(name)), name
        assert file["scalar"].shape == () and file["scalar"] == np.float32(1.5)
        assert file["empty"].shape == (0, 4)
        assert np.array_equal(file["ü"], np.arange(3, dtype="<i4"))
    print(f"{path}: as it should be")


if len(sys.argv) > 1:
    for path in sys.argv[1:]:
        check(path)
else:
    keep(os.path.splitext(os.path.abspath(__file__))[0])
