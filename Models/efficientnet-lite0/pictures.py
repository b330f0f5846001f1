"""Unpacks the pictures to calibrate with out of the wheels of foolbox and scikit-image.

    python pictures.py FOLDER WHEEL...

From foolbox come its ImageNet examples, from scikit-image the colour photographs that `members` in recipe.json names,
each checked against its SHA-256, and beside each its four quadrants. The same wheels give the same pixels.
"""

import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image

EXAMPLES = "foolbox/data/imagenet_*.jpg"
RECIPE = Path(__file__).with_name("recipe.json")

USAGE, BAD_INPUT, CANNOT_CREATE = 64, 65, 73


class BadInput(Exception):
    """What is wrong with a wheel or with the folder, in one sentence."""


def photos() -> dict[str, str]:
    """The photographs that are taken one by one, with their SHA-256."""
    fetches = json.loads(RECIPE.read_text())["fetch"]
    return {path: digest for fetch in fetches for path, digest in fetch.get("members", {}).items()}


def quadrants(data: bytes) -> Iterator[tuple[str, bytes]]:
    image = Image.open(BytesIO(data)).convert("RGB")
    right, bottom = image.size
    x, y = right // 2, bottom // 2
    boxes = {
        "top-left": (0, 0, x, y),
        "top-right": (x, 0, right, y),
        "bottom-left": (0, y, x, bottom),
        "bottom-right": (x, y, right, bottom),
    }
    for name, box in boxes.items():
        png = BytesIO()
        image.crop(box).save(png, "PNG")
        yield name, png.getvalue()


def pictures(wheel: Path) -> Iterator[tuple[str, bytes]]:
    wanted = photos()
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(archive.namelist()):
            path = PurePosixPath(member)
            if fnmatchcase(member, EXAMPLES):
                yield path.name, archive.read(member)
            elif member in wanted:
                data = archive.read(member)
                if hashlib.sha256(data).hexdigest() != wanted[member]:
                    raise BadInput(f"{member} is not the picture that the recipe names")
                yield path.name, data
                yield from ((f"{path.stem}-{part}.png", png) for part, png in quadrants(data))


def read_wheel(wheel: Path) -> dict[str, bytes]:
    try:
        found = dict(pictures(wheel))
    except BadInput as error:
        raise BadInput(f"{wheel}: {error}") from error
    except zipfile.BadZipFile as error:
        raise BadInput(f"{wheel}: is no wheel") from error
    except OSError as error:
        raise BadInput(f"{wheel}: {error.strerror or error}") from error
    if not found:
        raise BadInput(f"{wheel}: has none of the pictures that the recipe names")
    return found


def write_all(files: dict[str, bytes], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for other in sorted(folder.iterdir()):
        if other.name not in files:
            raise BadInput(f"{other}: does not belong to the pictures; delete it")
    for name, data in files.items():
        (folder / name).write_bytes(data)


def fail(message: str, code: int) -> int:
    print(f"pictures.py: {message}", file=sys.stderr)
    return code


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        return fail("usage: pictures.py FOLDER WHEEL...", USAGE)
    folder, *wheels = map(Path, arguments)
    try:
        files = {name: data for wheel in wheels for name, data in read_wheel(wheel).items()}
        for missing in (path for path in photos() if PurePosixPath(path).name not in files):
            raise BadInput(f"{missing}: is in none of the wheels")
        write_all(files, folder)
    except BadInput as error:
        return fail(str(error), BAD_INPUT)
    except OSError as error:
        return fail(f"{folder}: {error.strerror}", CANNOT_CREATE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
