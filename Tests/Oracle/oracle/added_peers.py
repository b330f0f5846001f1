"""A SentencePiece model with tokens that other files add: `tokenizers` divides the text at them, SentencePiece encodes
what is between, each part as a text of its own, as `transformers` does with `legacy`."""

from __future__ import annotations

import json
from pathlib import Path

from .tokenizer_peers import Candidate

# Ways in which a folder names them: in tokenizer_config.json, which says how they are found, or in added_tokens.json.
KINDS = ("decoder", "file")
# Texts that mixed_text.py writes; most have a piece of their own in no vocabulary.
NEW = ("<|im_start|>", "://", "\n\n", "Hello", "é", "a b", "'ll", "日本", "    ")


def added(name: str, kind: str, source: Path, folder: Path) -> Candidate:
    """The model `source` with new tokens, and with four of its pieces as added tokens."""
    from sentencepiece import SentencePieceProcessor
    from tokenizers import AddedToken, Tokenizer, models

    processor = SentencePieceProcessor(model_file=str(source))
    count = processor.get_piece_size()
    pieces = [processor.id_to_piece(i) for i in range(count)]
    known = [text for text in pieces if 1 < len(text) < 4 and text.isascii() and text.isalpha()][:4]
    ids = {text: pieces.index(text) for text in known}
    new = [text for text in NEW if text not in pieces]
    ids |= {text: count + place for place, text in enumerate(new)}
    strips = {"://": {"rstrip": True}} if kind == "decoder" else {}
    tokens = {text: AddedToken(text, normalized=False, **strips.get(text, {})) for text in ids}

    place = folder / name
    place.mkdir()
    (place / "tokenizer.model").write_bytes(source.read_bytes())
    settings: dict = {"legacy": True}
    if kind == "decoder":
        flags = ("lstrip", "rstrip", "normalized", "special", "single_word")
        settings["added_tokens_decoder"] = {
            str(ids[text]): {"content": text} | {flag: getattr(token, flag) for flag in flags}
            for text, token in tokens.items()
        }
    else:
        (place / "added_tokens.json").write_text(json.dumps(ids))
    (place / "tokenizer_config.json").write_text(json.dumps(settings))

    # What is no added token is one unknown word.
    divider = Tokenizer(models.WordLevel({"<rest>": 0}, unk_token="<rest>"))
    divider.add_tokens(list(tokens.values()))

    def encode(text: str) -> list[int]:
        found = [processor.bos_id()]
        parts = divider.encode(text)
        for part, (start, end) in zip(parts.tokens, parts.offsets):
            found += [ids[part]] if part in ids else processor.encode(text[start:end])
        return found

    return Candidate(name, place / "tokenizer.model", encode)
