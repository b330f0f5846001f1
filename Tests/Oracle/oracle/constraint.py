"""Whether constrained outputs satisfy their JSON Schema, by the Python package jsonschema (4.26).

    python -m oracle.constraint [--schemas N] [--tools TOOLS] [--martlet MARTLET]
    python -m oracle.constraint --command 'martlet generate MODEL --json-schema {schema} --seed {seed}'

Random schemas of the subset that Martlet knows are written to a file each; `martlet generate` gets the file and a seed,
and prints one output (which holds no line break). Each must be strict JSON, hold no key twice and satisfy the schema.
The model is a tiny one with random weights, at a high temperature: it tries everything that the constraint lets it. In
a command of one's own, `{count}`, if it is there, becomes the number of outputs wanted, one a line.

The harness checks itself: in the end an output that passed gets a property too many or a wrong type, which must fail.
"""

from __future__ import annotations

import json
import random
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import jsonschema

from harness.options import Options
from harness.programs import Programs, programs

from .tiny_language import models

TINY, CONTEXT, TEMPERATURE = "llama-tied", 1024, 4

NAMES = ["a", "ab", "abc", "b", "name", "größe", 'quo"te', "back\\slash", "line\nbreak", "", "日本", "x y", "\x01"]
TEXTS = ["", "x", "xy", "xyz", "scratch", "scratched", "ü", "😀", 'a"b', "\t", "null", "1"]
SCALARS = [*TEXTS, 0, 1, 12, 123, -5, 1.5, 1e3, True, False, None]
WORDS = ["boolean", "null"]


class Generator:
    """Random schemas. A definition refers to later definitions only, so that none is recursive."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.definitions: list[str] = []

    def document(self) -> dict:
        definitions = {}
        for index in reversed(range(self.random.randrange(4))):
            name = f"d{index}"
            definitions[name] = self.schema(2)
            self.definitions.append(name)
        schema = self.schema(4)
        if definitions:
            schema["$defs"] = definitions
        if self.chance(0.3):
            schema.update({"title": "t", "$schema": "https://json-schema.org/draft/2020-12/schema"})
        keys = list(schema)
        self.random.shuffle(keys)
        return {key: schema[key] for key in keys}

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def schema(self, depth: int) -> dict:
        makers: list[Callable[[int], dict]] = [
            self.string, self.integer, self.number, self.word, self.literals, self.constant, self.types
        ]  # fmt: skip
        if depth > 0:
            makers += [self.object, self.object, self.object, self.array, self.array, self.union, self.tagged]
        if self.definitions and self.chance(0.15):
            return {"$ref": f"#/$defs/{self.random.choice(self.definitions)}"}
        return self.random.choice(makers)(depth)

    def string(self, _: int) -> dict:
        schema: dict = {"type": "string"}
        least = self.random.randrange(4)
        if self.chance(0.4):
            schema["minLength"] = least
        if self.chance(0.8):
            schema["maxLength"] = least + self.random.randrange(5)
        return schema

    def bounds(self, pick: Callable[[], float]) -> dict:
        low, high = sorted([pick(), pick()])
        schema: dict = {}
        if self.chance(0.6):
            schema["exclusiveMinimum" if self.chance(0.3) and high - low >= 2 else "minimum"] = low
        if self.chance(0.6):
            schema["exclusiveMaximum" if self.chance(0.3) and high - low >= 2 else "maximum"] = high
        return schema

    def integer(self, _: int) -> dict:
        size = self.random.choice([1, 3, 20, 1000, 10**6, 10**12, 10**17])
        return {"type": "integer", **self.bounds(lambda: self.random.randint(-size, size))}

    def number(self, _: int) -> dict:
        size = self.random.choice([1, 20, 1000, 10**6])
        places = self.random.randrange(4)
        return {"type": "number", **self.bounds(lambda: round(self.random.uniform(-size, size), places))}

    def word(self, _: int) -> dict:
        return {"type": self.random.choice(WORDS)}

    def literals(self, _: int) -> dict:
        schema: dict = {"enum": self.random.sample(SCALARS, self.random.randint(1, 6))}
        if self.chance(0.3):
            schema = {"type": "string", "enum": self.random.sample(TEXTS, self.random.randint(1, 4))}
        return schema

    def constant(self, _: int) -> dict:
        return {"const": self.random.choice(SCALARS)}

    def types(self, depth: int) -> dict:
        schema = {**self.string(0), **self.integer(0)}
        types = self.random.sample(["string", "integer", "boolean", "null"], self.random.randint(1, 4))
        if depth > 0 and self.chance(0.5):
            return {**schema, **self.object(depth - 1), "type": [*types, "object"]}
        return {**schema, "type": types}

    def object(self, depth: int) -> dict:
        names = self.random.sample(NAMES, self.random.randrange(6))
        schema: dict = {"type": "object", "properties": {name: self.schema(depth - 1) for name in names}}
        if self.chance(0.7):
            schema["required"] = self.random.sample(names, self.random.randint(0, len(names)))
        # Martlet writes no other property; without this jsonschema would let it.
        schema["additionalProperties"] = False
        return schema

    def array(self, depth: int) -> dict:
        schema: dict = {"type": "array", "items": self.schema(depth - 1)}
        least = self.random.randrange(3)
        if self.chance(0.5):
            schema["minItems"] = least
        if self.chance(0.8):
            schema["maxItems"] = least + self.random.randrange(3)
        return schema

    def union(self, depth: int) -> dict:
        return {"anyOf": [self.schema(depth - 1) for _ in range(self.random.randint(1, 3))]}

    def tagged(self, depth: int) -> dict:
        """Alternatives that a property tells apart."""
        alternatives = []
        for tag in self.random.sample(TEXTS, self.random.randint(1, 3)):
            other = self.schema(depth - 1)
            alternatives.append({
                "type": "object", "properties": {"kind": {"const": tag}, "of": other}, "required": ["kind"],
                "additionalProperties": False,
            })  # fmt: skip
        return {"oneOf": [*alternatives, {"type": "null"}]}


def strict(text: str) -> object:
    def unique(pairs: list[tuple[str, object]]) -> dict:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    # Lone surrogates, which json.loads lets pass.
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def problem(schema: dict, line: bytes) -> str:
    """What is wrong with an output; empty if nothing is."""
    try:
        value = strict(line.decode("utf-8"))
    except ValueError as error:
        return f"not JSON: {error}"
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
    return "" if error is None else error.message


def outputs(command: str, schema: Path, seed: int, count: int) -> list[bytes]:
    runs = 1 if "{count}" in command else count
    lines = []
    for run in range(runs):
        arguments = [
            word.replace("{schema}", str(schema)).replace("{seed}", str(seed + run)).replace("{count}", str(count))
            for word in shlex.split(command)
        ]
        done = subprocess.run(arguments, capture_output=True, timeout=300, check=False)
        if done.returncode != 0:
            raise RuntimeError((done.stdout[-300:] + done.stderr[-300:]).decode("utf-8", "replace").strip())
        lines += done.stdout.rstrip(b"\n").split(b"\n")
    return lines


def generate(tested: Programs, folder: Path) -> str:
    """A command that lets the tiny model speak; converts that first."""
    source, model = folder / "tiny", folder / "tiny.martlet"
    next(m for m in models() if m.name == TINY).write(source)
    settings = source / "config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"max_position_embeddings": CONTEXT}))
    tested.convert(source, model)
    command = [*tested.settings[0].runner, "generate", str(model), "--prompt", "x", "--temperature", str(TEMPERATURE)]
    return shlex.join([*command, "--max-tokens", str(CONTEXT // 2)]) + " --json-schema {schema} --seed {seed}"


def broken(schema: dict, line: bytes) -> bool:
    """Whether a changed copy of a good output is refused."""
    value = strict(line.decode("utf-8"))
    wrong = {**value, "no such property": 1} if isinstance(value, dict) else {"no such property": 1}
    return problem(schema, json.dumps(wrong).encode("utf-8")) != ""


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_argument("--command", help="prints outputs; {schema}, {seed} and {count} are filled in")
    parser.add_argument("--schemas", type=int, default=200)
    parser.add_argument("--outputs", type=int, default=5, help="for each schema")
    parser.add_random()
    options = parser.parse_args()
    checked = refused = failed = unbroken = 0
    with tempfile.TemporaryDirectory(prefix="martlet-constraint-") as folder:
        path = Path(folder) / "schema.json"
        command = options.command or generate(programs(options), Path(folder))
        for index in range(options.schemas):
            seed = options.seed * 100_000 + index
            schema = Generator(seed).document()
            jsonschema.Draft202012Validator.check_schema(schema)
            path.write_text(json.dumps(schema, ensure_ascii=seed % 2 == 0, indent=seed % 3 or None), "utf-8")
            try:
                lines = outputs(command, path, seed, options.outputs)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                refused += 1
                print(f"schema {seed}: {error}\n  {json.dumps(schema)[:300]}")
                continue
            for line in lines:
                checked += 1
                wrong = problem(schema, line)
                if wrong:
                    failed += 1
                    print(f"schema {seed}: {wrong[:200]}\n  {line[:200]!r}\n  {json.dumps(schema)[:600]}")
            unbroken += not problem(schema, lines[0]) and not broken(schema, lines[0])
    print(f"{options.schemas} schemas, {checked} outputs: {failed} wrong, {refused} schemas refused")
    print(f"self-check: {unbroken} changed outputs passed that must fail")
    # A random schema may have too many alternatives.
    bad = failed + unbroken + max(refused - options.schemas // 100, 0) + (checked == 0)
    print(f"{checked - failed} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
