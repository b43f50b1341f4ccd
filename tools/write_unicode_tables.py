#!/usr/bin/env python3
"""Writes the two headers of Unicode tables. Usage, from the top folder:

    tools/write_unicode_tables.py unicode > src/text/unicode_tables.h
    tools/write_unicode_tables.py tokenizers > src/text/tokenizer_tables.h

`unicode` is Python's own letter case, pinned to Unicode 14 (Python 3.11). `tokenizers` is what the parts of the package
`tokenizers` do, found by running every code point through them, since they know several versions of Unicode: its
regular expressions, Rust's own characters, the categories of BertNormalizer and the normal forms each another one.
Another version of either is refused, so that an update of a package does not change how text is split.
"""
import sys
import unicodedata

VERSION = "14.0.0"
TOKENIZERS = "0.23.3"
CODE_POINTS = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def ranges(member):
    out = []
    for code in CODE_POINTS:
        if member(code):
            if out and out[-1][1] == code - 1:
                out[-1][1] = code
            else:
                out.append([code, code])
    return out


def lower_runs(lower_of):
    """Runs of code points, 1 or 2 apart, whose lower case is one code point at the same distance."""
    out = []  # first, last, step, delta
    for code in CODE_POINTS:
        lower = lower_of(code)
        if len(lower) != 1 or ord(lower) == code:
            continue
        delta = ord(lower) - code
        if out and out[-1][3] == delta:
            first, last, step, _ = out[-1]
            gap = code - last
            if gap in (1, 2) and (first == last or gap == step):
                out[-1][1], out[-1][2] = code, gap
                continue
        out.append([code, code, 1, delta])
    return [(first, last, str(step), str(delta)) for first, last, step, delta in out]


def table(kind, name, comment, rows):
    print(f"\n// {comment}\ninline constexpr {kind} {name}[] = {{")
    line = "   "
    for row in rows:
        cell = " {" + ", ".join(v if isinstance(v, str) else f"0x{v:04X}" for v in row) + "},"
        if len(line) + len(cell) > 100:
            print(line)
            line = "   "
        line += cell
    print(line + "\n};")


def begin(source, *structs):
    print(f"// Written by tools/write_unicode_tables.py from {source}. Do not edit.\n#pragma once\n")
    for name in structs:
        print(f'#include "text/{name}.h"')
    print("\n// clang-format off\nnamespace text::tables {")


def write_unicode():
    if unicodedata.unidata_version != VERSION:
        sys.exit(f"this Python knows Unicode {unicodedata.unidata_version}, the tables are pinned to {VERSION} (Python 3.11)")
    begin("Unicode " + VERSION, "table_rows")
    table("Range", "kUpper", "Property Uppercase", ranges(lambda code: chr(code).isupper()))
    table("Range", "kOtherCased", "Lowercase or title case", ranges(
        lambda code: chr(code).islower() or unicodedata.category(chr(code)) == "Lt"))
    table("LowerRun", "kLower", "Simple lower case", lower_runs(lambda code: chr(code).lower()))


def matches(pattern):
    """The code points that a regular expression for one character takes."""
    from tokenizers import Regex, pre_tokenizers
    cut = pre_tokenizers.Split(Regex(pattern), "removed")
    out = set()
    for start in range(0, len(CODE_POINTS), 2048):
        chunk = CODE_POINTS[start:start + 2048]
        kept = {ord(c) for word, _ in cut.pre_tokenize_str("".join(map(chr, chunk))) for c in word}
        out.update(code for code in chunk if code not in kept)
    return out


def word_characters():
    """What keeps a `single_word` token from matching when it stands beside it."""
    from tokenizers import AddedToken, Tokenizer, models
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, "?"))
    tokenizer.add_tokens([AddedToken("<t>", normalized=False, single_word=True)])
    return {code for code in CODE_POINTS if 1 not in tokenizer.encode(chr(code) + "<t>").ids}


def combining_class(code, nfd):
    """The class by Python's table where the oracle reorders the character, else 0."""
    known = unicodedata.combining(chr(code))
    if nfd(chr(code)) != chr(code):
        return 0  # never there once a text is decomposed
    if known == 0:
        moves = nfd("a" + chr(code) + "\u0334") != nfd("a" + chr(code)) + "\u0334"
        assert not moves, hex(code)
        return 0
    other = "\u0334" if known > 1 else "\u0315"  # of class 1, and of class 232
    text = "a" + (chr(code) + other if known > 1 else other + chr(code))
    return known if nfd(text) != text else 0


def write_tokenizers():
    import tokenizers
    from tokenizers import normalizers, pre_tokenizers
    if tokenizers.__version__ != TOKENIZERS:
        sys.exit(f"this is tokenizers {tokenizers.__version__}, the tables are pinned to {TOKENIZERS}")

    def bert(**on):
        flags = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False} | on
        return normalizers.BertNormalizer(**flags).normalize_str

    begin("tokenizers " + TOKENIZERS, "table_rows")
    for name, pattern in (("kLetters", r"\p{L}"), ("kNumbers", r"\p{N}"), ("kSpaces", r"\s")):
        found = matches(pattern)
        table("Range", name, "The regular expression " + pattern, ranges(lambda code: code in found))
    found = word_characters()
    table("Range", "kWordCharacters", "The \\w of single_word", ranges(lambda code: code in found))
    digits = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str
    table("Range", "kNumeric", "What Digits cuts", ranges(lambda code: len(digits(f"a{chr(code)}a")) > 1))
    cut = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    table("Range", "kPunctuation", "What BertPreTokenizer isolates", ranges(lambda code: len(cut(f"a{chr(code)}a")) == 3))
    clean, chinese, strip = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True)
    table("Range", "kRemoved", "What clean_text removes", ranges(lambda code: clean(chr(code)) == ""))
    table("Range", "kChinese", "What handle_chinese_chars sets apart", ranges(
        lambda code: chinese(chr(code)) == f" {chr(code)} "))
    table("Range", "kAccents", "What strip_accents removes", ranges(lambda code: strip(chr(code)) == ""))
    lower = normalizers.Lowercase().normalize_str
    table("LowerRun", "kLowerCharacters", "Lower case; U+0130, the one that becomes two, is not in it",
          lower_runs(lambda code: lower(chr(code))))
    assert [code for code in CODE_POINTS if len(lower(chr(code))) != 1] == [0x130]

    nfd, nfc = normalizers.NFD().normalize_str, normalizers.NFC().normalize_str
    classes = {code: combining_class(code, nfd) for code in CODE_POINTS}
    table("ClassRun", "kCombiningClasses", "Canonical combining classes above 0", [
        (first, last, str(value)) for value in sorted(set(classes.values()) - {0})
        for first, last in ranges(lambda code: classes[code] == value)])
    decomposed = {code: nfd(chr(code)) for code in CODE_POINTS if not 0xAC00 <= code <= 0xD7A3}
    full = [(code, text) for code, text in decomposed.items() if text != chr(code)]
    assert max(len(text) for _, text in full) <= 4
    table("Decomposition", "kDecompositions", "Full canonical decompositions without Hangul, 0 = no more",
          [(code, *([ord(c) for c in text] + [0] * (4 - len(text)))) for code, text in full])
    pairs = []
    for code, text in full:
        step = unicodedata.decomposition(chr(code)).split()
        if len(step) == 2 and nfc(text) == chr(code):
            pairs.append((int(step[0], 16), int(step[1], 16), code))
    table("Composition", "kCompositions", "first + second = result", sorted(pairs))


def main():
    writers = {"unicode": write_unicode, "tokenizers": write_tokenizers}
    if len(sys.argv) != 2 or sys.argv[1] not in writers:
        sys.exit(__doc__)
    writers[sys.argv[1]]()
    print("\n}  // namespace text::tables")


main()
