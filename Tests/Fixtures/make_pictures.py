#!/usr/bin/env python3
"""Makes the small pictures in pictures/ and what Pillow makes of them.

    python3 Tests/Fixtures/make_pictures.py        (needs Pillow, numpy and cjpeg of
    libjpeg-turbo-progs; run only to change the fixtures)

PNG and BMP files are written by hand here, from the formula in `pixel`, which the tests know too; JPEG is written by
Pillow, and NAME.rgb beside it holds Pillow's own decoding, [height, width, 3]. resize_*.rgb is Pillow's
Image.resize(BILINEAR) of the formula's picture.
"""

import pathlib
import struct
import subprocess
import zlib

import numpy
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent / "pictures"
WIDTH, HEIGHT = 21, 14


def pixel(x: int, y: int) -> tuple[int, int, int, int]:
    """Red, green, blue, alpha."""
    return (x * 12 + y) & 255, (x * 5 + y * 17) & 255, (x * y + 40) & 255, (255 - x * 11) & 255


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def samples(kind: int, depth: int, x: int, y: int) -> list[int]:
    """A PNG pixel's samples; 16-bit ones are v * 257, which scale back to v."""
    r, g, b, a = pixel(x, y)
    chosen = {0: [r], 2: [r, g, b], 3: [(x + y) % 5], 4: [r, a], 6: [r, g, b, a]}[kind]
    if kind == 0 and depth < 8:
        return [(x + y) % (1 << depth)]
    return [v * 257 for v in chosen] if depth == 16 else chosen


def packed(values: list[int], depth: int) -> bytes:
    if depth == 16:
        return struct.pack(f">{len(values)}H", *values)
    if depth == 8:
        return bytes(values)
    bits = "".join(format(v, f"0{depth}b") for v in values)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(kind: int, depth: int, interlaced: bool = False, extra: bytes = b"") -> bytes:
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        for y in range(y0, HEIGHT, dy):
            row = [v for x in range(x0, WIDTH, dx) for v in samples(kind, depth, x, y)]
            if row:
                raw += b"\0" + packed(row, depth)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b"")
    )


PALETTE = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (10, 20, 30), (200, 100, 50)]


def exif(orientation: int) -> bytes:
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def bmp(bits: int, bottom_up: bool, alpha: bool = False) -> bytes:
    stride = (WIDTH * bits + 31) // 32 * 4
    rows = []
    for y in range(HEIGHT):
        row = b""
        if bits <= 8:
            row = packed([(x + y) % 5 for x in range(WIDTH)], bits)
        else:
            for x in range(WIDTH):
                r, g, b, a = pixel(x, y)
                row += bytes([b, g, r, a if alpha else 0][: bits // 8])
        rows.append(row.ljust(stride, b"\0"))
    if bottom_up:
        rows.reverse()
    palette = b"".join(bytes([b, g, r, 0]) for r, g, b in PALETTE) if bits <= 8 else b""
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + bytes(108 - 56) if alpha else b""
    size = 40 + len(masks)
    offset = 14 + size + len(palette)
    header = struct.pack(
        "<IiiHHIIiiII",
        size,
        WIDTH,
        HEIGHT if bottom_up else -HEIGHT,
        1,
        bits,
        3 if alpha else 0,
        0,
        0,
        0,
        len(palette) // 4,
        0,
    )
    body = b"".join(rows)
    return struct.pack("<2sIHHI", b"BM", offset + len(body), 0, 0, offset) + header + masks + palette + body


def picture(width: int, height: int) -> Image.Image:
    values = [[pixel(x, y)[:3] for x in range(width)] for y in range(height)]
    return Image.fromarray(numpy.array(values, numpy.uint8), "RGB")


def write(name: str, data: bytes) -> None:
    (OUT / name).write_bytes(data)


def sampled(source: Image.Image, sampling: str) -> bytes:
    """A JPEG whose luma has `sampling` (columns x rows) samples for one of Cb and Cr, with standard Huffman tables."""
    pixels = f"P6 {source.width} {source.height} 255\n".encode() + source.tobytes()
    command = ["cjpeg", "-quality", "85", "-sample", sampling]
    return subprocess.run(command, input=pixels, capture_output=True, check=True).stdout


def without(jpeg: bytes, marker: int) -> bytes:
    """The JPEG without its segments of a kind; 0xC4: Huffman tables, which cameras leave out."""
    result, index = jpeg[:2], 2
    while jpeg[index + 1] != 0xDA:
        end = index + 2 + int.from_bytes(jpeg[index + 2 : index + 4], "big")
        if jpeg[index + 1] != marker:
            result += jpeg[index:end]
        index = end
    return result + jpeg[index:]


def main() -> None:
    OUT.mkdir(exist_ok=True)
    palette = chunk(b"PLTE", b"".join(bytes(c) for c in PALETTE))
    write("rgb8.png", png(2, 8))
    write("rgb16.png", png(2, 16))
    write("rgba8.png", png(6, 8))
    write("rgba16.png", png(6, 16))
    write("grey8.png", png(0, 8))
    write("grey16.png", png(0, 16))
    write("grey2.png", png(0, 2))
    write("greyalpha8.png", png(4, 8))
    write("palette4.png", png(3, 4, extra=palette))
    write("palette8_transparent.png", png(3, 8, extra=palette + chunk(b"tRNS", bytes([255, 128, 0]))))
    write("rgb8_interlaced.png", png(2, 8, interlaced=True))
    write("rgb8_turned.png", png(2, 8, extra=chunk(b"eXIf", exif(6))))
    write("rgb24.bmp", bmp(24, bottom_up=True))
    write("rgb24_topdown.bmp", bmp(24, bottom_up=False))
    write("rgb32.bmp", bmp(32, bottom_up=True))
    write("rgba32.bmp", bmp(32, bottom_up=True, alpha=True))
    write("palette8.bmp", bmp(8, bottom_up=True))
    write("palette4.bmp", bmp(4, bottom_up=False))

    with Image.open(OUT.parents[2] / "Models/photos/cat.jpg") as photo:
        small = photo.convert("RGB").resize((61, 45), Image.Resampling.BILINEAR)
    for sampling in ["1x1", "2x1", "1x2", "2x2", "4x1"]:
        write(f"sampling_{sampling}.jpg", sampled(small, sampling))
    write("without_tables.jpg", without(sampled(small, "2x1"), 0xC4))

    source = picture(WIDTH, HEIGHT)
    for name, image, options in [
        ("baseline", source, {"quality": 90}),
        ("full_chroma", source, {"quality": 85, "subsampling": 0}),
        ("progressive", source, {"quality": 90, "progressive": True}),
        ("grey", source.convert("L"), {"quality": 90}),
        ("cmyk", source.convert("CMYK"), {"quality": 90}),
    ]:
        image.save(OUT / f"{name}.jpg", **options)
        decoded = Image.open(OUT / f"{name}.jpg")
        write(f"{name}.rgb", decoded.convert("RGB").tobytes())

    for name, height in [("low", 1000), ("tall", 20000)]:
        halves = Image.new("L", (64, height))
        halves.paste(255, (0, height // 2, 64, height))
        halves.save(OUT / f"{name}.jpg", quality=30)
        halves.save(OUT / f"{name}.png", optimize=True)

    for width, height, to_width, to_height in [(37, 29, 16, 16), (16, 12, 40, 33), (100, 20, 7, 50), (64, 200, 64, 9)]:
        resized = picture(width, height).resize((to_width, to_height), Image.Resampling.BILINEAR)
        write(f"resize_{width}x{height}_{to_width}x{to_height}.rgb", resized.tobytes())


if __name__ == "__main__":
    main()
