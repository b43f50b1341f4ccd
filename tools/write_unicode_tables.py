#!/usr/bin/env python3
"""Writes src/text/unicode_tables.h from Python's unicodedata. Usage: tools/write_unicode_tables.py > src/text/unicode_tables.h

The tables are pinned to Unicode 14 (Python 3.11), which is what Oniguruma 6.9.8 and PCRE2 10.42 know too; the script
refuses another version, so that a newer Python does not change how text is split.
"""
import sys
import unicodedata

VERSION = "14.0.0"
CODE_POINTS = range(0x110000)


def is_space(code):
    # The property White_Space, which is what `\\s` means in Oniguruma: U+180E and U+001C to U+001F are not in it.
    return code in range(0x09, 0x0E) or code == 0x85 or unicodedata.category(chr(code))[0] == "Z"


def ranges(member):
    out = []
    for code in CODE_POINTS:
        if member(code):
            if out and out[-1][1] == code - 1:
                out[-1][1] = code
            else:
                out.append([code, code])
    return out


def lower_runs():
    """Runs of code points, 1 or 2 apart, whose lower case is one code point at the same distance."""
    out = []  # first, last, step, delta
    for code in CODE_POINTS:
        lower = chr(code).lower()
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
    return out


def table(kind, name, comment, rows):
    print(f"\n// {comment}\ninline constexpr {kind} {name}[] = {{")
    line = "   "
    for row in rows:
        cell = " {" + ", ".join(str(v) if i >= 2 else f"0x{v:04X}" for i, v in enumerate(row)) + "},"
        if len(line) + len(cell) > 100:
            print(line)
            line = "   "
        line += cell
    print(line + "\n};")


def main():
    if unicodedata.unidata_version != VERSION:
        sys.exit(f"this Python knows Unicode {unicodedata.unidata_version}, the tables are pinned to {VERSION} (Python 3.11)")
    print("// Written by tools/write_unicode_tables.py from Unicode " + VERSION + ". Do not edit.\n#pragma once\n")
    print("// clang-format off\nnamespace text::tables {")
    print('\ninline constexpr char kUnicodeVersion[] = "' + VERSION + '";')
    print("\nstruct Range {\n  char32_t first, last;  // both inclusive\n};")
    print("\n// first, first + step, ..., last have their lower case `delta` further on.")
    print("struct LowerRun {\n  char32_t first, last;\n  int step, delta;\n};")
    category = [unicodedata.category(chr(code)) for code in CODE_POINTS]
    table("Range", "kLetters", "General category L", ranges(lambda code: category[code][0] == "L"))
    table("Range", "kNumbers", "General category N", ranges(lambda code: category[code][0] == "N"))
    table("Range", "kSpaces", "Property White_Space", ranges(is_space))
    table("Range", "kUpper", "Property Uppercase", ranges(lambda code: chr(code).isupper()))
    table("Range", "kOtherCased", "Lowercase or title case", ranges(
        lambda code: chr(code).islower() or category[code] == "Lt"))
    table("LowerRun", "kLower", "Simple lower case", lower_runs())
    print("\n}  // namespace text::tables")


main()
