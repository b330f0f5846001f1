"""Tokenizers of Hugging Face and SentencePiece, trained here or read from a file: what to compare with."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .mixed_text import text_of

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
    (0x0041, 0x005A),
    (0x0061, 0x007A),
    (0x00B5, 0x00B5),
    (0x00C0, 0x00D6),
    (0x00D8, 0x00F6),
    (0x00F8, 0x01BA),
    (0x01BC, 0x01BF),
    (0x01C4, 0x0293),
    (0x0295, 0x02AF),
    (0x0370, 0x0373),
    (0x0376, 0x0376),
    (0x0377, 0x0377),
    (0x037B, 0x037D),
    (0x037F, 0x037F),
    (0x0386, 0x0386),
    (0x0388, 0x038A),
    (0x038C, 0x038C),
    (0x038E, 0x03A1),
    (0x03A3, 0x03F5),
    (0x03F7, 0x0481),
    (0x048A, 0x052F),
    (0x0531, 0x0556),
    (0x10A0, 0x10C5),
    (0x13A0, 0x13F5),
    (0x13F8, 0x13FD),
    (0x1C90, 0x1CBA),
    (0x1CBD, 0x1CBF),
    (0x1D00, 0x1D2B),
    (0x1D6B, 0x1D77),
    (0x1D79, 0x1D9A),
    (0x1E00, 0x1F15),
    (0x1F18, 0x1F1D),
    (0x1F20, 0x1F45),
    (0x1F48, 0x1F4D),
    (0x1F50, 0x1F57),
    (0x1F59, 0x1F59),
    (0x1F5B, 0x1F5B),
    (0x1F5D, 0x1F5D),
    (0x1F5F, 0x1F7D),
    (0x1F80, 0x1FB4),
    (0x1FB6, 0x1FBC),
    (0x1FBE, 0x1FBE),
    (0x1FC2, 0x1FC4),
    (0x1FC6, 0x1FCC),
    (0x1FD0, 0x1FD3),
    (0x1FD6, 0x1FDB),
    (0x1FE0, 0x1FEC),
    (0x1FF2, 0x1FF4),
    (0x1FF6, 0x1FFC),
    (0x2102, 0x2102),
    (0x2107, 0x2107),
    (0x210A, 0x2113),
    (0x2115, 0x2115),
    (0x2119, 0x211D),
    (0x2124, 0x2124),
    (0x2126, 0x2126),
    (0x2128, 0x2128),
    (0x212A, 0x212D),
    (0x212F, 0x2134),
    (0x2139, 0x2139),
    (0x213C, 0x213F),
    (0x2145, 0x2149),
    (0x214E, 0x214E),
    (0x2183, 0x2183),
    (0x2184, 0x2184),
    (0x2C00, 0x2C7B),
    (0x2C7E, 0x2CE4),
    (0x2CEB, 0x2CEE),
    (0x2CF2, 0x2CF2),
    (0x2CF3, 0x2CF3),
    (0xA640, 0xA66D),
    (0xA680, 0xA69B),
    (0xA722, 0xA76F),
    (0xA771, 0xA787),
    (0xA78B, 0xA78E),
    (0xAB70, 0xABBF),
    (0xFB00, 0xFB06),
    (0xFB13, 0xFB17),
    (0xFF21, 0xFF3A),
    (0xFF41, 0xFF5A),
    (0x10400, 0x1044F),
    (0x104B0, 0x104D3),
    (0x104D8, 0x104FB),
    (0x10C80, 0x10CB2),
    (0x10CC0, 0x10CF2),
    (0x118A0, 0x118DF),
    (0x1E900, 0x1E943),
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
            *splits("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", ideographs),
            p.Digits(individual_digits=True),
            plain_bytes,
        ],
        "deepseek-llm": [
            *splits("[\r\n]", rf"\s?[{cased_letters()}]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", ideographs),
            p.Digits(individual_digits=True),
            plain_bytes,
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
    writer.add_token_merges(
        [merge if isinstance(merge, str) else " ".join(merge) for merge in document["model"]["merges"]]
    )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


SENTENCE_PIECE = {
    "sentencepiece-bpe": {"model_type": "bpe", "user_defined_symbols": ["<|user|>", "   ", "foo"]},
    "sentencepiece-bpe-bare": {"model_type": "bpe", "add_dummy_prefix": False, "byte_fallback": False},
    "sentencepiece-bpe-plain": {"model_type": "bpe"},
    "sentencepiece-unigram": {"model_type": "unigram", "user_defined_symbols": ["<|user|>", "foo"]},
    "sentencepiece-unigram-plain": {"model_type": "unigram"},
    "sentencepiece-unigram-tidy": {"model_type": "unigram", "remove_extra_whitespaces": True, "byte_fallback": False},
}


def sentence_piece(name: str, lines: list[bytes], folder: Path) -> Candidate:
    import sentencepiece

    settings = {
        "vocab_size": 2000,
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "character_coverage": 0.98,
        "remove_extra_whitespaces": False,
        "num_threads": 1,
        "minloglevel": 2,
        **SENTENCE_PIECE[name],
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
        name,
        path,
        lambda text: [processor.bos_id(), *processor.encode(text)],
        restored if settings["byte_fallback"] and not settings["remove_extra_whitespaces"] else None,
    )
    if settings["model_type"] == "unigram":
        # Behind a user-defined piece, ways of equal sums (//+/ and /+//) may fall otherwise, by the sum's last bit.
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
        model = models.BPE(
            {piece: i for i, (piece, _) in enumerate(pieces)},
            merges,
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
        tokenizer = Tokenizer(model)
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    else:
        tokenizer = Tokenizer(models.Unigram(pieces, 0, True))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    tokenizer.add_special_tokens(
        [AddedToken(text, normalized=False, special=True) for text in ("<unk>", "<s>", "</s>")]
    )
    path = folder / f"{name}.json"
    tokenizer.save(str(path))
    candidate = hugging_face(path, name)
    if "unigram" in name:
        # Hugging Face's unigram model finds control and byte tokens that are spelled out; SentencePiece does not.
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
    tokenizer = Tokenizer(
        models.BPE({text: i for i, text in enumerate(texts)}, [tuple(merge.split(" ")) for merge in merges])
    )
    tokenizer.normalizer = normalizers.NFC() if name == "qwen2" else None
    tokenizer.pre_tokenizer = pre_tokenizer(name)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text, kind in zip(texts, types) if kind == 3])
    tokenizer.encode_special_tokens = True
    return Candidate(f"{path.name} ({name})", path, lambda text: tokenizer.encode(text).ids, lambda text: text)
