"""Mixed text for tokenizers: many scripts, code, emoji, decomposed accents, runs of blanks, bytes that are no UTF-8."""

from __future__ import annotations

import random

SEPARATOR = b"\0"

WORDS = """the quick brown fox jumps over lazy dog Hello World don't can't I'll we've they're it's he'd I'm THE
CAN'T WE'RE It'S naïve café Übergröße straße Ångström façade œuvre Čeština Łódź İstanbul ǅ ǈ ʰʷ ª º
Ⅷ ½ ² ① camelCase HTTPServer snake_case kebab-case CONSTANT_NAME fooBar2Baz x86_64 Привет мир
Ελληνικά ἀρχή Հայերեն ქართული ᲥᲐᲠᲗᲣᲚᲘ العربية النص ١٢٣ ۴۵۶ עברית שָׁלוֹם हिन्दी नमस्ते ১২৩ ไทย
ภาษาไทย ลาว 日本語 こんにちは カタカナ 漢字 中文字符 你好世界 한국어 안녕하세요 한글 ᏣᎳᎩ Ꭰꭰ 𐐀𐐨 𝐀𝐛𝟏 𝒳 𞤀𞤢 𑢠 ﬁ ﬀ
Ａｂｃ１２３ 🦙 😀 👩‍👩‍👧‍👦 🇩🇪
👍🏽 ❤️ ∑ ∞ ≠ € £ ¥ © ® ™ → « » “quoted” ‘q’ — – … 、 。 「」""".split()
CODE = [
    "def f(x):\n    return x**2 + 1\n",
    "for (int i = 0; i < n; ++i) {\n\t\ta[i] += b[i];\n\t}\n",
    "if (a && b || !c) return -1;",
    "let x: [Int] = xs.map { $0 * 2 }",
    "#include <stdio.h>\r\n",
    "SELECT * FROM t WHERE id='42';",
    "a=b;c=d\n\n\n",
    "</div>\n",
    "https://example.com/a/b?c=1&d=%20#e",
    '{"key": [1, 2.5, -3e10, null]}',
    "\\x00\\n\\t",
    "$HOME/.bashrc",
    "/* ** */ // ///\n",
    "/\n/\r\n//",
    "x'sx 'S 'ſ 'LL' 'tis",
    "''''s",
    " 'll 've",
    "<|im_start|>",
    "<s>",
    "</s>",
    "<0x0A>",
    "▁▁x▁",
    "\u2581",
]
SPACES = [
    " ",
    "  ",
    "   ",
    "\t",
    "\t\t",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    " \n",
    "\n ",
    "\u00a0",
    "\u3000",
    "\u2003 ",
    "\u200b",
    "\u0085",
    "\u2028",
    "\x0b",
    "\x0c",
    "\x1c",
    " \t \n\n  ",
    " " * 17,
]
MARKS = "".join(
    chr(code)
    for code in (*range(0x300, 0x315), 0x323, 0x327, 0x328, 0x345, 0x5B0, 0x64B, 0x93C, 0xE38, 0x3099, 0x1D165)
)
ODD = "ẛ̣ Å K Ω Å ̈́ 가각ᄀ ᅡᆨ ཱི ఐ ö́ q̣̇ q̣̇ ≮ ≠ 豈 𝅗𝅥 שּׁ क़ ṩ Ǆ"
BROKEN = [
    b"\xff",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\xa6",
    b"\x80",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe0\x80\x80",
    b"\xf8\x88",
    b"\xf0\x80\x80\xaf",
    b"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf",
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
        return "".join(
            source.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") for _ in range(source.randrange(1, 6))
        ).encode()
    if kind < 80:
        return (
            source.choice("aeiouAEIOUnsÅqक가あᄀ")
            + "".join(source.choice(MARKS) for _ in range(source.randrange(1, 4)))
        ).encode()
    if kind < 84:
        return (source.choice(ODD.split(" ")) * source.randrange(1, 3)).encode()
    if kind < 90:
        return (source.choice("a01 -=.\n世界😀é\t_/ΩщA") * source.choice([2, 3, 4, 5, 8, 13, 40])).encode()
    if kind < 96:
        planes = [
            (0x21, 0x7F),
            (0xA0, 0x3000),
            (0x3000, 0xD800),
            (0xE000, 0x10000),
            (0x10000, 0x20000),
            (0xE0000, 0xE01F0),
        ]
        return "".join(chr(source.randrange(*source.choice(planes))) for _ in range(source.randrange(1, 6))).encode()
    return (
        source.choice(BROKEN)
        if source.randrange(2)
        else bytes(source.randrange(128, 256) for _ in range(source.randrange(1, 4)))
    )


def make_lines(count: int, seed: int) -> list[bytes]:
    """Mixed text, deterministic. A line may hold line ends, but no zero byte."""
    source = random.Random(seed)
    fixed = [
        b"",
        b" ",
        b"  ",
        b"\n",
        b"\xff",
        "\u0301".encode(),
        b"'",
        b"a" * 3000,
        b" " * 1000,
        b"0" * 500,
        "e\u0301".encode(),
    ]
    fixed += [chr(code).encode() for code in range(0x20, 0x250)]
    lines = fixed[: count // 2]
    while len(lines) < count:
        lines.append(b"".join(piece(source) for _ in range(source.randrange(1, 14))).replace(SEPARATOR, b""))
    return lines


def text_of(line: bytes) -> str:
    return line.decode(errors="replace")
