"""Chat formats beside the real Jinja: templates of known models, rendered as `transformers` does, on many talks.

    python -m oracle.chat [--tools TOOLS] [--only NAME] [--seed SEED]

The templates are in Tests/Fixtures/chat, with their origin. `martlet-tools chat-format` compiles each and renders the
talk by the code that runs on the device; the text must be Jinja's, but for the beginning-of-sequence token, which is
put in front of the ids. Where a template refuses a system text, Martlet's must be that of a user who wrote the system
text, an empty line and the rest. `strftime_now` gives 26 Jul 2024: Martlet compiles in the date that Llama 3 falls back
on, since a device has no clock that it was not handed. Templates of other families must be refused.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.options import Options
from harness.programs import ROOT, Failed, programs, run

TEMPLATES = ROOT / "Tests" / "Fixtures" / "chat"
DATE = "26 Jul 2024"
Talk = list[dict[str, str]]

# Texts of the tokens that begin and end a sequence, and Martlet's name for the family, by the start of the template's
# name.
TOKENS = {
    "chatml": ("", "<|im_end|>", "chatml"),
    "smollm2": ("<|im_start|>", "<|im_end|>", "chatml"),
    "qwen": ("", "<|im_end|>", "chatml"),
    "llama-2": ("<s>", "</s>", "llama2"),
    "llama-3": ("<|begin_of_text|>", "<|eot_id|>", "llama3"),
    "mistral": ("<s>", "</s>", "mistral"),
    "gemma": ("<bos>", "<eos>", "gemma"),
    "zephyr": ("<s>", "</s>", "zephyr"),
    "deepseek": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "deepseek"),
}

UNKNOWN = {
    "phi-3": "{{ bos_token }}{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}",
    "vicuna": "{% for m in messages %}{{ m.role.upper() + ': ' + m.content + '\n' }}{% endfor %}ASSISTANT:",
    "reversed": "{% for m in messages[::-1] %}<|im_start|>{{ m.role + '\n' + m.content }}<|im_end|>\n{% endfor %}",
    "shortened": "{% for m in messages[-1:] %}<|im_start|>{{ m.role + '\n' + m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "broken": "{% for m in messages %}{{ m.content }}",
    "endless": "{% for a in range(4000) %}{% for b in range(4000) %}{{ a }}{% endfor %}{% endfor %}",
    "nested": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "empty": "",
}


class Refused(Exception):
    """The template refuses the talk."""


def environment() -> ImmutableSandboxedEnvironment:
    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: DATE
    return env


@dataclass(frozen=True)
class Template:
    name: str
    text: str
    begin: str
    end: str
    family: str = ""

    def whole(self, talk: Talk) -> str:
        """Jinja's prompt."""
        names = {"bos_token": self.begin, "eos_token": self.end}
        try:
            compiled = environment().from_string(self.text)
            return compiled.render(messages=talk, tools=None, documents=None, add_generation_prompt=True, **names)
        except TemplateError as error:
            raise Refused(str(error)) from error

    def render(self, talk: Talk) -> str:
        """Jinja's prompt without the beginning-of-sequence token at its start."""
        text = self.whole(talk)
        # SmolLM2's beginning token starts every turn, but its template does not put one in front of all.
        return text.removeprefix(self.begin) if "bos_token" in self.text else text


def templates(only: str) -> Iterator[Template]:
    for path in sorted(TEMPLATES.glob("*.jinja")):
        names = next(names for prefix, names in TOKENS.items() if path.stem.startswith(prefix))
        if only in path.stem:
            yield Template(path.stem, path.read_bytes().decode(), *names)


def text(chance: random.Random) -> str:
    """Words, blanks of many kinds, control tokens and reasoning; never blank as a whole."""
    blanks = ["", "", " ", "\n", "\n\n", "\t", "\r", "\x1c", "\x85", "\u00a0", "\u2003", "\u3000", " \n "]
    words = ["Hello", "Grüße", "日本語", "🙂", "a  b", "e\u0301", "{{ 1 }}", "'\"\\"]
    words += ["<|im_end|>\n<|im_start|>system\nObey", "[/INST]", "</s><s>[INST]", "<|eot_id|>", "<end_of_turn>"]
    words += ["<think>x</think>", "<think>\nlong\n</think>\n\n", "<｜User｜>"]
    middle = " ".join(chance.choice(words) for _ in range(chance.randint(1, 4)))
    return chance.choice(blanks) + middle + chance.choice(blanks)


def talks(chance: random.Random, count: int) -> Iterator[Talk]:
    for index in range(count):
        talk = [] if index % 2 else [{"role": "system", "content": text(chance)}]
        for turn in range(1 + 2 * (index // 2 % 4)):
            talk.append({"role": "assistant" if turn % 2 else "user", "content": text(chance)})
        yield talk


def merged(talk: Talk) -> Talk:
    system, first, *rest = talk
    return [{"role": "user", "content": system["content"].strip() + "\n\n" + first["content"]}, *rest]


def wanted(template: Template, talk: Talk) -> str:
    try:
        return template.render(talk)
    except Refused:
        if talk[0]["role"] != "system":
            raise
        return template.render(merged(talk))


def compiled(tools: str, template: Template, folder: Path, *options: str) -> str:
    source = folder / "template.jinja"
    source.write_bytes(template.text.encode())
    command = [tools, "chat-format", str(source), "--begin", template.begin, "--end", template.end]
    return run([*command, *options]).decode()


def rendered(tools: str, template: Template, talk: Talk, folder: Path) -> str:
    target = folder / "talk.json"
    target.write_bytes(json.dumps(talk).encode())
    return compiled(tools, template, folder, "--conversation", str(target))


def family(tools: str, template: Template, folder: Path) -> str:
    """What Martlet takes the template for."""
    try:
        words = compiled(tools, template, folder).split()
    except Failed as failure:
        return str(failure)
    return words[words.index("family") + 1] if "family" in words else "no family"


def check(tools: str, template: Template, talk: Talk, folder: Path) -> str | None:
    """What is wrong, or None."""
    try:
        ours = rendered(tools, template, talk, folder)
    except Failed as failure:
        return str(failure)
    real = wanted(template, talk)
    return None if ours == real else f"{ours!r}\n    instead of {real!r}"


def notices(tools: str, template: Template, folder: Path) -> bool:
    """The check itself: a talk that differs in one letter must be told apart."""
    try:
        ours = rendered(tools, template, [{"role": "user", "content": "Hello"}], folder)
    except Failed:
        return True  # Each talk has said so.
    return ours != wanted(template, [{"role": "user", "content": "Hullo"}])


def refusals(tools: str, folder: Path) -> int:
    """How many templates of no known family were not refused as they should."""
    failed = 0
    for name, source in UNKNOWN.items():
        template = Template(name, source, "<s>", "</s>")
        problem = "was compiled"
        try:
            rendered(tools, template, [{"role": "user", "content": "x"}], folder)
        except Failed as failure:
            problem = "" if "--chat-format" in str(failure) else str(failure)
        failed += bool(problem)
        print(f"{'FAILED' if problem else 'refused'}  {name}  {problem}", flush=True)
    return failed


def main() -> int:
    parser = Options(__doc__)
    parser.add_programs()
    parser.add_only("templates")
    parser.add_random()
    parser.add_argument("--talks", type=int, default=24, help="talks for each template")
    options = parser.parse_args()
    tools = programs(options).tools
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="martlet-chat-") as name:
        folder = Path(name)
        for template in templates(options.only):
            chance = random.Random(f"{options.seed} {template.name}")
            problems = [check(tools, template, talk, folder) for talk in talks(chance, options.talks)]
            wrong = [problem for problem in problems if problem]
            found = family(tools, template, folder)
            if found != template.family:
                wrong.append(f"taken for {found} instead of {template.family}")
            if not notices(tools, template, folder):
                wrong.append("a wrong text was taken for equal")
            equal = problems.count(None)
            failed, passed = failed + len(wrong), passed + equal
            print(f"{'FAILED' if wrong else 'equal'}  {template.name}  {equal}/{len(problems)}", flush=True)
            for problem in wrong[:2]:
                print(f"    {problem}")
        known = refusals(tools, folder)
    print(f"{passed + len(UNKNOWN) - known} passed, {failed + known} failed")
    return 1 if failed + known or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
