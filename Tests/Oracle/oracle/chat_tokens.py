"""Token ids of talks beside `apply_chat_template(tokenize=True)`: the real Jinja's text in Hugging Face `tokenizers`.

    python -m oracle.chat_tokens [--tools TOOLS] [--only NAME] [--seed SEED]

Each template of Tests/Fixtures/chat is put beside a byte-level and a SentencePiece tokenizer, in whose vocabularies
its markers are control tokens, ordinary added tokens (as in DeepSeek's distills), or no tokens at all. `martlet-tools`
makes a model file of both and tokenizes the talk by the code that runs on the device. Where a user writes markers,
there must be no more of them among the ids than in a talk without; `tokenizers` itself has no such care, so the other
talks hold none.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken, Tokenizer

from harness.options import Options
from harness.programs import programs, run

from .chat import Refused, Talk, Template, merged, talks, templates, wanted
from .mixed_text import make_lines
from .tokenizer_peers import byte_level, converted_sentence_piece, sentence_piece

MARKER = re.compile(r"<[|｜][^<>{}|｜]+[|｜]>|</?(?:s|think|start_of_turn|end_of_turn)>|\[/?(?:INST|AVAILABLE_TOOLS)\]")
ROLES = ("system", "user", "assistant", "user")
KINDS = ("control", "ordinary", "none")


def bases(seed: int, folder: Path) -> dict[str, dict]:
    """A small tokenizer.json of each sort, without added tokens."""
    lines = make_lines(3000, seed + 2000)
    pieces = sentence_piece("sentencepiece-bpe", lines, folder)
    found = {
        "byte-level": byte_level("llama3", lines, folder).path,
        "sentencepiece": converted_sentence_piece("json-bpe", pieces.path, folder).path,
    }
    return {name: json.loads(path.read_text()) | {"added_tokens": []} for name, path in found.items()}


@dataclass
class Model:
    """A tokenizer with a chat template, as a folder and as what `martlet-tools` made of it."""

    template: Template
    markers: list[str]
    tokenizer: Tokenizer
    tools: str
    folder: Path

    @classmethod
    def make(cls, tools: str, template: Template, base: dict, kind: str, folder: Path) -> Model:
        tokenizer = Tokenizer.from_str(json.dumps(base))
        ends = [text for text in (template.begin, template.end) if text]
        tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in ends])
        # Those of calls of tools are in the template alone, those made of a role's name in the text alone.
        texts = template.text + wanted(template, [{"role": role, "content": "x"} for role in ROLES])
        markers = sorted(set(MARKER.findall(texts)) - set(ends)) if kind != "none" else []
        isSpecial = kind == "control"
        tokenizer.add_tokens([AddedToken(text, normalized=False, special=isSpecial) for text in markers])
        tokenizer.save(str(folder / "tokenizer.json"))
        settings = {"chat_template": template.text, "eos_token": template.end}
        if template.begin:
            settings["bos_token"] = template.begin
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        run([tools, "convert", "--tokenizer-only", str(folder / "tokenizer.json"), "-o", str(folder / "model.martlet")])
        return cls(template, [*markers, *ends], tokenizer, tools, folder)

    def ids(self, talk: Talk) -> list[int]:
        target = self.folder / "talk.json"
        target.write_text(json.dumps(talk))
        command = [self.tools, "chat-format", str(self.folder / "model.martlet")]
        return [int(word) for word in run([*command, "--conversation", str(target), "--tokens"]).split()]

    def real(self, talk: Talk) -> list[int]:
        try:
            text = self.template.whole(talk)
        except Refused:
            text = self.template.whole(merged(talk))
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def difference(self, talk: Talk) -> str | None:
        """What is wrong, or None."""
        ours, real = self.ids(talk), self.real(talk)
        if ours == real:
            return None
        at = next((i for i, (a, b) in enumerate(zip(ours, real)) if a != b), min(len(ours), len(real)))
        show = lambda ids: [self.tokenizer.id_to_token(i) for i in ids[max(at - 3, 0) : at + 5]]
        return f"{talk!r}\n    {show(ours)}\n    instead of {show(real)}"

    def smuggled(self) -> bool:
        """Whether a user can write markers."""
        known = {self.tokenizer.token_to_id(text) for text in self.markers}
        count = lambda words: sum(i in known for i in self.ids([{"role": "user", "content": words}]))
        return count("x" + "x".join(self.markers) + "x") != count("Hello")


def plain_talks(chance: random.Random, count: int) -> list[Talk]:
    """Talks of at most two turns behind the system text, without markers."""
    found = []
    for talk in talks(chance, 40 * count):
        texts = "".join(message["content"] for message in talk)
        if len(talk) <= 4 and not MARKER.search(texts) and not re.search(r"[<\[]", texts):
            found.append(talk)
    return found[:count]


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_only("templates")
    parser.add_random()
    parser.add_argument("--talks", type=int, default=8, help="talks for each template and vocabulary")
    options = parser.parse_args()
    tools = programs(options).tools
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="martlet-chat-tokens-") as name:
        folder = Path(name)
        known = bases(options.seed, folder)
        for template in templates(options.only):
            chance = random.Random(f"{options.seed} {template.name}")
            problems: list[str | None] = []
            # DeepSeek's markers hold SentencePiece's mark for a space: there is no such vocabulary.
            suited = [base for base in known if base == "byte-level" or "\u2581" not in template.begin]
            for base, kind in [(base, kind) for base in suited for kind in KINDS]:
                model = Model.make(tools, template, known[base], kind, folder)
                found = [model.difference(talk) for talk in plain_talks(chance, options.talks)]
                found.append("a user can write markers" if model.smuggled() else None)
                # The check itself: another talk has other ids.
                hello, hullo = ([{"role": "user", "content": text}] for text in ("Hello", "Hullo"))
                found.append("a wrong talk was taken for equal" if model.ids(hello) == model.real(hullo) else None)
                problems += [problem and f"{base}, markers {kind}: {problem}" for problem in found]
            wrong = [problem for problem in problems if problem]
            passed, failed = passed + len(problems) - len(wrong), failed + len(wrong)
            print(f"{'FAILED' if wrong else 'equal'}  {template.name}  {len(problems) - len(wrong)}/{len(problems)}")
            for problem in wrong[:3]:
                print(f"    {problem}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
