"""Tokenizers beside Hugging Face `tokenizers` and SentencePiece: line by line the same ids, and the same text back.

For each pre-tokenizer a small byte-level BPE is trained whose normalizer and pre-tokenizer are those of the published
models; for SentencePiece small BPE and unigram models. Each is converted by `martlet-tools` and compared on 10,000 lines
of mixed text, some of which are no UTF-8. Further tokenizers (a GGUF file, a tokenizer.json) can be named.
"""

from __future__ import annotations

import argparse
import io
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .corpus import CORPUS
from .programs import ROOT

SEPARATOR = b"\0"
VOCABULARIES = CORPUS / "tokenizers"

# MARK: - Text

WORDS = """the quick brown fox jumps over lazy dog Hello World don't can't I'll we've they're it's he'd I'm THE CAN'T
WE'RE It'S naïve café Übergröße straße Ångström façade œuvre Čeština Łódź İstanbul ǅ ǈ ʰʷ ª º Ⅷ ½ ² ① camelCase HTTPServer
snake_case kebab-case CONSTANT_NAME fooBar2Baz x86_64 Привет мир Ελληνικά ἀρχή Հայերեն ქართული ᲥᲐᲠᲗᲣᲚᲘ
العربية النص ١٢٣ ۴۵۶ עברית שָׁלוֹם हिन्दी नमस्ते ১২৩ ไทย ภาษาไทย ลาว 日本語 こんにちは カタカナ 漢字 中文字符 你好世界 한국어 안녕하세요
한글 ᏣᎳᎩ Ꭰꭰ 𐐀𐐨 𝐀𝐛𝟏 𝒳 𞤀𞤢 𑢠 ﬁ ﬀ Ａｂｃ１２３ 🦙 😀 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️ ∑ ∞ ≠ € £ ¥ © ® ™ → « » “quoted” ‘q’ — – … 、 。 「」""".split()
CODE = [
    "def f(x):\n    return x**2 + 1\n", "for (int i = 0; i < n; ++i) {\n\t\ta[i] += b[i];\n\t}\n", "if (a && b || !c) return -1;",
    "let x: [Int] = xs.map { $0 * 2 }", "#include <stdio.h>\r\n", "SELECT * FROM t WHERE id='42';", "a=b;c=d\n\n\n", "</div>\n",
    "https://example.com/a/b?c=1&d=%20#e", "{\"key\": [1, 2.5, -3e10, null]}", "\\x00\\n\\t", "$HOME/.bashrc", "/* ** */ // ///\n",
    "/\n/\r\n//", "x'sx 'S 'ſ 'LL' 'tis", "''''s", " 'll 've", "<|im_start|>", "<s>", "</s>", "<0x0A>", "▁▁x▁", "\u2581",
]
SPACES = [
    " ", "  ", "   ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", "\u00a0", "\u3000", "\u2003 ", "\u200b", "\u0085",
    "\u2028", "\x0b", "\x0c", "\x1c", " \t \n\n  ", " " * 17,
]
MARKS = "".join(chr(code) for code in (*range(0x300, 0x315), 0x323, 0x327, 0x328, 0x345, 0x5B0, 0x64B, 0x93C, 0xE38, 0x3099, 0x1D165))
ODD = "ẛ̣ Å K Ω Å ̈́ 가각ᄀ ᅡᆨ ཱི ఐ ö́ q̣̇ q̣̇ ≮ ≠ 豈 𝅗𝅥 שּׁ क़ ṩ Ǆ"
BROKEN = [
    b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\xa6", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80",
    b"\xf8\x88", b"\xf0\x80\x80\xaf", b"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf",
]


def piece(source: random.Random) -> bytes:
    """One piece of a line."""
    kind = source.randrange(100)
    if kind < 40:
        return (source.choice(["", " ", " "]) + source.choice(WORDS)).encode()
    if kind < 50:
        return source.choice(SPACES).encode()
    if kind < 58:
        return str(source.randrange(10 ** source.randrange(1, 12))).encode()
    if kind < 68:
        return source.choice(CODE).encode()
    if kind < 74:
        return "".join(source.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") for _ in range(source.randrange(1, 6))).encode()
    if kind < 80:
        return (source.choice("aeiouAEIOUnsÅqक가あᄀ") + "".join(source.choice(MARKS) for _ in range(source.randrange(1, 4)))).encode()
    if kind < 84:
        return (source.choice(ODD.split(" ")) * source.randrange(1, 3)).encode()
    if kind < 90:
        return (source.choice("a01 -=.\n世界😀é\t_/ΩщA") * source.choice([2, 3, 4, 5, 8, 13, 40])).encode()
    if kind < 96:
        planes = [(0x21, 0x7F), (0xA0, 0x3000), (0x3000, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0xE0000, 0xE01F0)]
        return "".join(chr(source.randrange(*source.choice(planes))) for _ in range(source.randrange(1, 6))).encode()
    return source.choice(BROKEN) if source.randrange(2) else bytes(source.randrange(128, 256) for _ in range(source.randrange(1, 4)))


def make_lines(count: int, seed: int) -> list[bytes]:
    """Mixed text, deterministic. A line may hold line ends, but no zero byte."""
    source = random.Random(seed)
    fixed = [b"", b" ", b"  ", b"\n", b"\xff", "\u0301".encode(), b"'", b"a" * 3000, b" " * 1000, b"0" * 500, "e\u0301".encode()]
    fixed += [chr(code).encode() for code in range(0x20, 0x250)]
    lines = fixed[: count // 2]
    while len(lines) < count:
        lines.append(b"".join(piece(source) for _ in range(source.randrange(1, 14))).replace(SEPARATOR, b""))
    return lines


def text_of(line: bytes) -> str:
    return line.decode(errors="replace")


# MARK: - The others

CASED = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Cased letters as DeepSeek LLM's file lists them, written as numbers: editors like to normalize them.
CASED_LETTERS = [
    (0x0041, 0x005a), (0x0061, 0x007a), (0x00b5, 0x00b5), (0x00c0, 0x00d6), (0x00d8, 0x00f6), (0x00f8, 0x01ba),
    (0x01bc, 0x01bf), (0x01c4, 0x0293), (0x0295, 0x02af), (0x0370, 0x0373), (0x0376, 0x0376), (0x0377, 0x0377),
    (0x037b, 0x037d), (0x037f, 0x037f), (0x0386, 0x0386), (0x0388, 0x038a), (0x038c, 0x038c), (0x038e, 0x03a1),
    (0x03a3, 0x03f5), (0x03f7, 0x0481), (0x048a, 0x052f), (0x0531, 0x0556), (0x10a0, 0x10c5), (0x13a0, 0x13f5),
    (0x13f8, 0x13fd), (0x1c90, 0x1cba), (0x1cbd, 0x1cbf), (0x1d00, 0x1d2b), (0x1d6b, 0x1d77), (0x1d79, 0x1d9a),
    (0x1e00, 0x1f15), (0x1f18, 0x1f1d), (0x1f20, 0x1f45), (0x1f48, 0x1f4d), (0x1f50, 0x1f57), (0x1f59, 0x1f59),
    (0x1f5b, 0x1f5b), (0x1f5d, 0x1f5d), (0x1f5f, 0x1f7d), (0x1f80, 0x1fb4), (0x1fb6, 0x1fbc), (0x1fbe, 0x1fbe),
    (0x1fc2, 0x1fc4), (0x1fc6, 0x1fcc), (0x1fd0, 0x1fd3), (0x1fd6, 0x1fdb), (0x1fe0, 0x1fec), (0x1ff2, 0x1ff4),
    (0x1ff6, 0x1ffc), (0x2102, 0x2102), (0x2107, 0x2107), (0x210a, 0x2113), (0x2115, 0x2115), (0x2119, 0x211d),
    (0x2124, 0x2124), (0x2126, 0x2126), (0x2128, 0x2128), (0x212a, 0x212d), (0x212f, 0x2134), (0x2139, 0x2139),
    (0x213c, 0x213f), (0x2145, 0x2149), (0x214e, 0x214e), (0x2183, 0x2183), (0x2184, 0x2184), (0x2c00, 0x2c7b),
    (0x2c7e, 0x2ce4), (0x2ceb, 0x2cee), (0x2cf2, 0x2cf2), (0x2cf3, 0x2cf3), (0xa640, 0xa66d), (0xa680, 0xa69b),
    (0xa722, 0xa76f), (0xa771, 0xa787), (0xa78b, 0xa78e), (0xab70, 0xabbf), (0xfb00, 0xfb06), (0xfb13, 0xfb17),
    (0xff21, 0xff3a), (0xff41, 0xff5a), (0x10400, 0x1044f), (0x104b0, 0x104d3), (0x104d8, 0x104fb),
    (0x10c80, 0x10cb2), (0x10cc0, 0x10cf2), (0x118a0, 0x118df), (0x1e900, 0x1e943),
]
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def cased_letters() -> str:
    return "".join(chr(a) if a == b else f"{chr(a)}-{chr(b)}" for a, b in CASED_LETTERS)


@dataclass
class Candidate:
    """A tokenizer of somebody else's, in a file that martlet-tools converts."""

    name: str
    path: Path
    encode: Callable[[str], list[int]]
    # What decoding gives for a text; None if it need not be the text.
    restores: Callable[[str], str] | None = None
    # Texts that are left out, and counted.
    omits: Callable[[str], bool] = lambda text: False


def splits(*patterns: str) -> list:
    from tokenizers import Regex, pre_tokenizers

    return [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]


def pre_tokenizer(name: str) -> object:
    from tokenizers import pre_tokenizers as p

    plain_bytes = p.ByteLevel(add_prefix_space=False, use_regex=False)
    words = p.ByteLevel(add_prefix_space=False)
    ideographs = "[一-龥ࠀ-一가-\ud7ff]+"
    table = {
        "gpt2": [words],
        "llama3": [*splits(CASED.replace("DIGITS", r"\p{N}{1,3}")), plain_bytes],
        "llama3-words": [*splits(CASED.replace("DIGITS", r"\p{N}{1,3}")), plain_bytes],
        "qwen2": [*splits(CASED.replace("DIGITS", r"\p{N}")), plain_bytes],
        "smollm": [p.Digits(individual_digits=True), words],
        "deepseek-coder": [
            *splits("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", ideographs), p.Digits(individual_digits=True), plain_bytes,
        ],
        "deepseek-llm": [
            *splits("[\r\n]", rf"\s?[{cased_letters()}]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", ideographs),
            p.Digits(individual_digits=True), plain_bytes,
        ],
        "tekken": [*splits(TEKKEN), plain_bytes],
        # llama.cpp's rule for files that name none.
        "plain": [*splits(r"[\p{P}$+<=>^~|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"), plain_bytes],
    }
    return table[name][0] if len(table[name]) == 1 else p.Sequence(table[name])


BYTE_LEVEL = ["gpt2", "llama3", "llama3-words", "qwen2", "smollm", "deepseek-coder", "deepseek-llm", "tekken", "plain"]


def byte_level(name: str, lines: list[bytes], folder: Path) -> Candidate:
    """A small byte-level BPE with the normalizer and pre-tokenizer of the published models."""
    import json

    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from tokenizers.pre_tokenizers import ByteLevel

    tokenizer = Tokenizer(models.BPE(ignore_merges=name == "llama3-words"))
    tokenizer.normalizer = normalizers.NFC() if name == "qwen2" else None
    tokenizer.pre_tokenizer = pre_tokenizer(name)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, show_progress=False, initial_alphabet=ByteLevel.alphabet(), special_tokens=SPECIALS
    )
    tokenizer.train_from_iterator([text_of(line) for line in lines], trainer)
    path = folder / f"{name}.json"
    tokenizer.save(str(path))
    if name == "llama3-words":
        # Words that are tokens, but that no merge makes.
        document = json.loads(path.read_text())
        for word in ["Ġquick", "Hello", "Ġä½łå¥½", "jumps"]:
            document["model"]["vocab"].setdefault(word, len(document["model"]["vocab"]))
        path.write_text(json.dumps(document))
        tokenizer = Tokenizer.from_file(str(path))
    if name == "plain":
        path = write_gguf(json.loads(path.read_text()), path.with_suffix(".gguf"), "default")
    compose = normalizers.NFC().normalize_str if name == "qwen2" else lambda text: text
    # Special tokens in the text are not meant here: transformers' split_special_tokens.
    tokenizer.encode_special_tokens = True
    return Candidate(name, path, lambda text: tokenizer.encode(text).ids, compose)


def write_gguf(document: dict, path: Path, pre: str) -> Path:
    """The vocabulary of a tokenizer.json as GGUF metadata."""
    import gguf

    vocabulary = document["model"]["vocab"]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    texts = sorted(vocabulary, key=vocabulary.__getitem__)
    writer.add_token_list(texts)
    writer.add_token_types([3 if text in SPECIALS else 1 for text in texts])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in document["model"]["merges"]])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


SENTENCE_PIECE = {
    "sentencepiece-bpe": {"model_type": "bpe", "user_defined_symbols": ["<|user|>", "   ", "foo"]},
    "sentencepiece-bpe-bare": {"model_type": "bpe", "add_dummy_prefix": False, "byte_fallback": False},
    "sentencepiece-unigram": {"model_type": "unigram", "user_defined_symbols": ["<|user|>", "foo"]},
    "sentencepiece-unigram-tidy": {"model_type": "unigram", "remove_extra_whitespaces": True, "byte_fallback": False},
}


def sentence_piece(name: str, lines: list[bytes], folder: Path) -> Candidate:
    import sentencepiece

    settings = {
        "vocab_size": 2000, "byte_fallback": True, "normalization_rule_name": "identity", "character_coverage": 0.98,
        "remove_extra_whitespaces": False, "num_threads": 1, "minloglevel": 2, **SENTENCE_PIECE[name],
    }
    model = io.BytesIO()
    sentences = [part for line in lines for part in text_of(line).split("\n") if part]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(sentences), model_writer=model, **settings)
    path = folder / name / "tokenizer.model"
    path.parent.mkdir()
    path.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())

    def restored(text: str) -> str:
        return text.replace("\u2581", " ")

    candidate = Candidate(
        name, path, lambda text: [processor.bos_id(), *processor.encode(text)], restored if settings["byte_fallback"] and
        not settings["remove_extra_whitespaces"] else None,
    )
    if settings["model_type"] == "unigram":
        # Behind a user-defined piece, ways of equal sums (//+/ and /+//) may fall otherwise: the last bit of the sum differs.
        candidate.omits = lambda text: any(symbol in text for symbol in settings.get("user_defined_symbols", ()))
    return candidate


def hugging_face(path: Path, name: str = "") -> Candidate:
    """A tokenizer.json as it is."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    return Candidate(name or str(path), path, lambda text: tokenizer.encode(text).ids)


def ranked_merges(pieces: list[tuple[str, float]]) -> list[tuple[str, str]]:
    """Every way to make a piece of two others, the pieces with the best scores first."""
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    merges = []
    for piece, score in pieces:
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in ids and right in ids:
                merges.append((-score, ids[left], ids[right], left, right))
    return [(left, right) for *_, left, right in sorted(merges)]


def converted_sentence_piece(name: str, source: Path, folder: Path) -> Candidate:
    """A SentencePiece model in the form that transformers gives it: BPE by rank, or unigram."""
    from sentencepiece import SentencePieceProcessor
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

    processor = SentencePieceProcessor(model_file=str(source))
    pieces = [(processor.id_to_piece(i), processor.get_score(i)) for i in range(processor.get_piece_size())]
    if "bpe" in name:
        merges = ranked_merges(pieces)
        model = models.BPE({piece: i for i, (piece, _) in enumerate(pieces)}, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
        tokenizer = Tokenizer(model)
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    else:
        tokenizer = Tokenizer(models.Unigram(pieces, 0, True))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in ("<unk>", "<s>", "</s>")])
    path = folder / f"{name}.json"
    tokenizer.save(str(path))
    candidate = hugging_face(path, name)
    if "unigram" in name:
        # Hugging Face's unigram model finds control and byte tokens that are spelled out in a text; SentencePiece does not.
        candidate.omits = lambda text: any(special in text for special in ("<unk>", "<s>", "</s>", "<0x"))
    return candidate


def gguf_byte_level(path: Path, name: str) -> Candidate:
    """A GGUF file's byte-level vocabulary, in Hugging Face's tokenizer."""
    import gguf
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

    fields = gguf.GGUFReader(str(path)).fields

    def field(key: str) -> object:
        return fields["tokenizer.ggml." + key].contents()

    texts, merges, types = field("tokens"), field("merges"), field("token_type")
    tokenizer = Tokenizer(models.BPE({text: i for i, text in enumerate(texts)}, [tuple(merge.split(" ")) for merge in merges]))
    tokenizer.normalizer = normalizers.NFC() if name == "qwen2" else None
    tokenizer.pre_tokenizer = pre_tokenizer(name)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text, kind in zip(texts, types) if kind == 3])
    tokenizer.encode_special_tokens = True
    return Candidate(f"{path.name} ({name})", path, lambda text: tokenizer.encode(text).ids, lambda text: text)


# MARK: - Comparison


@dataclass
class Result:
    equal: int = 0
    restored: int = 0
    omitted: int = 0
    shown: int = 0


def run(command: list[str], given: bytes) -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, timeout=600)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def compare(candidate: Candidate, lines: list[bytes], arguments: argparse.Namespace, folder: Path) -> Result:
    model = folder / "model.martlet"
    run([*arguments.convert, str(candidate.path), "-o", str(model)], b"")
    given = SEPARATOR.join(lines) + SEPARATOR
    found = run([arguments.martlet, "tokenize", str(model), "-", "--null"], given).decode().split("\n")[:-1]
    back = run([arguments.martlet, "tokenize", str(model), "-", "--null", "--decode"], "\n".join([*found, ""]).encode())
    texts = back.split(SEPARATOR)[:-1]
    if len(found) != len(lines) or len(texts) != len(lines):
        raise SystemExit(f"{candidate.name}: {len(found)} lines of ids and {len(texts)} texts for {len(lines)} texts")
    result = Result()
    for line, ids, text in zip(lines, found, texts):
        if candidate.omits(text_of(line)):
            result.omitted += 1
            continue
        wanted = candidate.encode(text_of(line))
        if [int(word) for word in ids.split()] == wanted:
            result.equal += 1
        elif result.shown < arguments.show:
            result.shown += 1
            print(f"  {candidate.name}: {text_of(line)!r}\n    martlet {ids}\n    wanted  {' '.join(map(str, wanted))}")
        if candidate.restores is None:
            continue
        if text.decode(errors="replace") == candidate.restores(text_of(line)):
            result.restored += 1
        elif result.shown < arguments.show:
            result.shown += 1
            print(f"  {candidate.name}: {text_of(line)!r} came back as {text.decode(errors='replace')!r}")
    return result


def vocabulary(path: Path, arguments: argparse.Namespace, folder: Path) -> tuple[int, int]:
    """A vocabulary of the corpus, with llama.cpp's texts and token ids: how many are equal, of how many."""
    model = folder / "vocabulary.martlet"
    run([*arguments.convert, str(path), "-o", str(model)], b"")
    texts = Path(f"{path}.inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    wanted = Path(f"{path}.out").read_text().split("\n")
    equal = 0
    for text, ids in zip(texts, wanted, strict=False):
        found = run([arguments.martlet, "tokenize", str(model), "-"], text).decode().split()
        start = len(found) - len(ids.split())
        equal += found[max(start, 0) :] == ids.split() and start in (0, 1)
    return equal, len(texts)


def candidates(lines: list[bytes], arguments: argparse.Namespace, folder: Path) -> list[Candidate]:
    chosen = lambda name: not arguments.only or name in arguments.only
    # Trained on other lines than those compared.
    training = make_lines(4000, arguments.seed + 1000)
    found = [byte_level(name, training, folder) for name in BYTE_LEVEL if chosen(name)]
    models = {name: sentence_piece(name, training, folder) for name in SENTENCE_PIECE}
    found += [model for name, model in models.items() if chosen(name)]
    for name, source in (("json-bpe", "sentencepiece-bpe"), ("json-unigram", "sentencepiece-unigram")):
        if chosen(name):
            found.append(converted_sentence_piece(name, models[source].path, folder))
    for path in arguments.gguf or []:
        pattern, _, file = path.rpartition("=")
        found.append(gguf_byte_level(Path(file), pattern))
    found += [hugging_face(Path(path)) for path in arguments.json or []]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--martlet", default=str(ROOT / ".build/release/martlet"))
    parser.add_argument("--tools", default=str(ROOT / ".build/release/martlet-tools"))
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3, help="differences to print for each tokenizer")
    parser.add_argument("--only", nargs="*", help="names of tokenizers")
    parser.add_argument("--gguf", nargs="*", metavar="PATTERN=FILE", help="byte-level vocabularies, like smollm=model.gguf")
    parser.add_argument("--json", nargs="*", metavar="FILE", help="files tokenizer.json")
    arguments = parser.parse_args()
    arguments.convert = [arguments.tools, "convert", "--tokenizer-only"]
    lines = make_lines(arguments.lines, arguments.seed)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for candidate in candidates(lines, arguments, folder):
            result = compare(candidate, lines, arguments, folder)
            count = len(lines) - result.omitted
            report = f"{candidate.name}: {result.equal} of {count} lines equal"
            if candidate.restores:
                report += f", {result.restored} of {count} texts restored"
            if result.omitted:
                report += f", {result.omitted} lines left out"
            print(report, flush=True)
            good = result.equal == count and (candidate.restores is None or result.restored == count)
            passed, failed = passed + good, failed + (not good)
        for name in sorted(VOCABULARIES.glob("*.gguf")):
            equal, count = vocabulary(name, arguments, folder)
            print(f"{name.stem}: {equal} of {count} texts equal llama.cpp's", flush=True)
            passed, failed = passed + (equal == count), failed + (equal != count)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
