"""Keeps what Pillow reads from PNG and JPEG files of every kind, and how it converts and resizes pictures.

    torch/bin/pip install pillow
    torch/bin/python Tests/References/pictures.py   # writes pictures.safetensors and the files in pictures/

PNG files are put together here, with a few bits a sample, interlaced and so on; what they hold is known without Pillow, which
does not read all of them to 8 bits.
"""

import io
import os
import struct
import zlib

import numpy as np
import torch
from PIL import Image, ImageOps
from recorder import Recorder

recorder = Recorder(__file__)
folder = os.path.splitext(os.path.abspath(__file__))[0]
os.makedirs(folder, exist_ok=True)
HEIGHT, WIDTH = 13, 9


def samples(name, channels, bits):
    random = np.random.default_rng(zlib.crc32(name.encode()))
    return random.integers(0, 2**bits, (HEIGHT, WIDTH, channels), dtype=np.int64)


def keep(name, pixels):
    recorder.keep(name, "output", "pixels", torch.from_numpy(np.ascontiguousarray(pixels).astype(np.uint8)))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def rows(values, bits):
    """Scanlines, each of the filter 0."""
    lines = []
    for line in values:
        if bits == 16:
            data = line.astype(">u2").tobytes()
        else:
            text = "".join(format(number, f"0{bits}b") for number in line.ravel())
            text += "0" * (-len(text) % 8)
            data = bytes(int(text[place : place + 8], 2) for place in range(0, len(text), 8))
        lines.append(b"\0" + data)
    return b"".join(lines)


def png(name, values, bits, colour, extra=b"", interlaced=False):
    height, width, _ = values.shape
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        parts = [values[y::down, x::across] for y, x, down, across in passes]
        data = b"".join(rows(part, bits) for part in parts if part.size)
    else:
        data = rows(values, bits)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    with open(f"{folder}/{name}.png", "wb") as file:
        file.write(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data))
            + chunk(b"IEND", b"")
        )


def eight(values, bits):
    """Samples rounded to 8 bits."""
    return np.floor(values * 255 / (2**bits - 1) + 0.5)


for interlaced in [False, True]:
    for bits, colour, channels in [
        (1, 0, 1), (2, 0, 1), (4, 0, 1), (8, 0, 1), (16, 0, 1), (8, 4, 2), (16, 4, 2), (8, 2, 3), (16, 2, 3), (8, 6, 4),
        (16, 6, 4),
    ]:
        name = f"png-{colour}-{bits}" + ("-interlaced" if interlaced else "")
        values = samples(name, channels, bits)
        png(name, values, bits, colour, interlaced=interlaced)
        keep(name, eight(values, bits))
for bits in [1, 2, 4, 8]:
    name = f"png-palette-{bits}"
    values = samples(name, 1, bits)
    palette = samples(name + "p", 3, 8).reshape(-1, 3)[: 2**bits]
    palette = np.resize(palette, (2**bits, 3))
    png(name, values, bits, 3, chunk(b"PLTE", palette.astype(np.uint8).tobytes()))
    keep(name, palette[values[..., 0]])
    alpha = samples(name + "a", 1, 8).ravel()[: 2**bits]
    alpha = np.resize(alpha, 2**bits)
    name += "-alpha"
    extra = chunk(b"PLTE", palette.astype(np.uint8).tobytes()) + chunk(b"tRNS", alpha.astype(np.uint8).tobytes())
    png(name, values, bits, 3, extra)
    keep(name, np.concatenate([palette[values[..., 0]], alpha[values[..., 0]][..., None]], -1))
# A colour that is transparent.
for bits in [4, 8]:
    values = samples(f"png-key-{bits}", 1, bits)
    key = values[5, 5, 0]
    png(f"png-key-{bits}", values, bits, 0, chunk(b"tRNS", struct.pack(">H", key)))
    keep(f"png-key-{bits}", np.concatenate([eight(values, bits), np.where(values == key, 0, 255)], -1))
values = samples("png-key-rgb", 3, 8)
png("png-key-rgb", values, 8, 2, chunk(b"tRNS", struct.pack(">HHH", *values[5, 5])))
isKey = (values == values[5, 5]).all(-1, keepdims=True)
keep("png-key-rgb", np.concatenate([values, np.where(isKey, 0, 255)], -1))

# JPEG. Smooth, as compression is for such.
y, x = np.mgrid[0:HEIGHT * 3, 0:WIDTH * 3]
smooth = np.stack([6 * y + 2 * x, 255 - 6 * y, 9 * x], -1).clip(0, 255).astype(np.uint8)
picture = Image.fromarray(smooth)


def jpeg(name, image, **options):
    image.save(f"{folder}/{name}.jpeg", "JPEG", quality=90, **options)
    read = ImageOps.exif_transpose(Image.open(f"{folder}/{name}.jpeg"))
    pixels = np.array(read if read.mode == "L" else read.convert("RGB"))
    keep(name, pixels if pixels.ndim == 3 else pixels[..., None])


jpeg("jpeg-444", picture, subsampling=0)
jpeg("jpeg-422", picture, subsampling=1)
jpeg("jpeg-420", picture, subsampling=2)
jpeg("jpeg-progressive", picture, progressive=True)
jpeg("jpeg-grey", picture.convert("L"))
jpeg("jpeg-restarts", picture, restart_marker_blocks=1)
# A scan for each component, which Pillow does not write:
#     djpeg jpeg-444.jpeg | cjpeg -quality 90 -scans FILE > jpeg-scans.jpeg    # FILE is “0; 1; 2;”
keep("jpeg-scans", np.array(Image.open(f"{folder}/jpeg-scans.jpeg")))
cmyk = picture.convert("CMYK")
cmyk.putdata([(c, m, y, (c + m) // 5) for c, m, y, _ in cmyk.getdata()])
jpeg("jpeg-cmyk", cmyk)
with open(f"{folder}/jpeg-cmyk.jpeg", "rb") as file:
    data = bytearray(file.read())
# The same numbers under Adobe's marker for YCCK, and without any.
place = data.index(b"Adobe")
data[place + 11] = 2
with open(f"{folder}/jpeg-ycck.jpeg", "wb") as file:
    file.write(data)
keep("jpeg-ycck", np.array(Image.open(f"{folder}/jpeg-ycck.jpeg").convert("RGB")))
del data[place - 4 : place - 4 + 16]
with open(f"{folder}/jpeg-inks.jpeg", "wb") as file:
    file.write(data)
# Pillow takes every file for one of Adobe's, which hold what an ink leaves and not what it takes.
inks = Image.frombytes("CMYK", cmyk.size, (255 - np.array(Image.open(f"{folder}/jpeg-inks.jpeg"))).tobytes())
keep("jpeg-inks", np.array(inks.convert("RGB")))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg(f"jpeg-orientation-{orientation}", picture, exif=exif)
exif = Image.Exif()
exif[0x0112] = 6
picture.crop((0, 0, 5, 3)).save(f"{folder}/png-orientation-6.png", exif=exif)
keep("png-orientation-6", np.array(ImageOps.exif_transpose(Image.open(f"{folder}/png-orientation-6.png"))))

# Channels and extents.
MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
for mode, channels in MODES.items():
    values = samples(f"resize {mode}", channels, 8).astype(np.uint8)
    image = Image.fromarray(values if channels > 1 else values[..., 0], mode)
    recorder.keep(f"resize-{mode}", "input", "pixels", torch.from_numpy(values))

    def pixels(result):
        array = np.array(result)
        return torch.from_numpy(np.ascontiguousarray(array if array.ndim == 3 else array[..., None]))

    for other in MODES:
        recorder.keep(f"resize-{mode}", "output", f"to {other}", pixels(image.convert(other)))
    for name, filter in [
        ("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC), ("nearest", Image.Resampling.NEAREST),
    ]:
        for height, width in [(5, 4), (1, 1), (26, 18), (13, 31), (2, 9), (40, 3)]:
            recorder.keep(
                f"resize-{mode}", "output", f"{name} {height} {width}", pixels(image.resize((width, height), filter)))
recorder.write()
