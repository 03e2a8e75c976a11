# SPDX-License-Identifier: Apache-2.0
"""Reads the public headers: which functions and variables they declare, with which parameters."""
import collections
import re

from tree import without_comments

Declared = collections.namedtuple("Declared", "name header line specifiers parameters")


def plain_c(text):
    """The header without comments, strings and preprocessor lines; line numbers stay."""
    text = re.sub(r"\\\n", "\n\x01", without_comments(text))
    lines, in_directive = [], False
    for line in text.split("\n"):
        in_directive = line.lstrip().startswith("#") or (in_directive and line.startswith("\x01"))
        lines.append("" if in_directive else line.replace("\x01", ""))
    return "\n".join(lines)


def without_bodies(text):
    """Blanks what stands in braces: bodies of inline functions, fields, enumerators."""
    out, depth = [], 0
    for char in text:
        depth -= char == "}"
        out.append(char if depth == 0 or char == "\n" else " ")
        depth += char == "{"
    return "".join(out)


def closing(text, start):
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return len(text)


def split_parameters(text):
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def parameter_name(text):
    if text in ("", "void", "..."):
        return None
    pointer = re.search(r"\(\s*\*\s*(\w+)\s*(?:\[\w*\])?\)", text)
    if pointer:
        return pointer[1]
    words = re.findall(r"\w+", re.sub(r"\[.*?\]", "", text))
    return words[-1] if len(words) > 1 else None


def declared_in(header, text):
    text = without_bodies(plain_c(text))
    start = 0
    for match in re.finditer(r"\b(weir_[a-z0-9_]+)\s*(\(|;|\[|=)", text):
        before = text[:match.start()]
        if match.start() < start or before.count("(") != before.count(")"):
            continue
        specifiers = re.split(r"[;}]", before)[-1]
        if "typedef" in specifiers.split():
            continue
        parameters = None
        if match[2] == "(":
            start = closing(text, match.end() - 1)
            named = map(parameter_name, split_parameters(text[match.end():start]))
            parameters = [name for name in named if name]
        yield Declared(match[1], header, before.count("\n") + 1, " ".join(specifiers.split()), parameters)


def public_declarations(tree):
    """Every function and variable of the public headers, by name; the first declaration counts."""
    found = {}
    for header in tree.c_files(["include"], ".h"):
        for declared in declared_in(header, tree.text(header)):
            found.setdefault(declared.name, declared)
    return found
