# SPDX-License-Identifier: Apache-2.0
"""Rules about the public interface: what the library exports, and how it is documented."""
import os
import re

from headers import public_declarations
from tree import LIBRARY, Missing

BLOCK = re.compile(r"/\*\*\s*\n\s*\*\s*(weir_\w+):[^\n]*\n(.*?)\*/", re.DOTALL)
INDEX = "docs/reference/api.md"
# Writable data that is no state of ours: the linker's, and the number that GLib's quark macro remembers.
NOT_STATE = re.compile(r"^(completed\.\d+|__dso_handle|_DYNAMIC|_GLOBAL_OFFSET_TABLE_|__TMC_END__|q\.\d+)$")


def library_of(tree):
    if not tree.library:
        raise Missing("a build with sanitizers or a static library says nothing about symbols; a plain shared one")
    return os.path.abspath(tree.library)


def exported_symbols(tree):
    """libweir.so exports exactly what the public headers declare."""
    listed = tree.run("nm", "-D", "--defined-only", "--format=posix", library_of(tree))
    exported = {line.split()[0].split("@")[0] for line in listed.stdout.splitlines()}
    declared = {name for name, d in public_declarations(tree).items() if "static" not in d.specifiers.split()}
    if not exported:
        yield f"{tree.library}: nm finds no exported symbol: {listed.stderr.strip()}"
    for name in sorted(exported - declared):
        yield f"{name}: exported, but declared in no public header"
    for name in sorted(declared - exported):
        d = public_declarations(tree)[name]
        yield f"{d.header}:{d.line}: {name}: declared, but libweir.so does not have it"


def no_global_state(tree):
    """the library has no global mutable state."""
    listed = tree.run("objdump", "-t", library_of(tree))
    for line in listed.stdout.splitlines():
        match = re.match(r"^[0-9a-f]+ .{6}[O ]\s*(\.bss|\.data|\.tbss|\.tdata)\s+([0-9a-f]+)\s+(.*)$", line)
        if match and int(match[2], 16) > 0 and not NOT_STATE.match(match[3].split()[-1]):
            yield f"{match[3].split()[-1]} in {match[1]}, {int(match[2], 16)} bytes"


def documentation_blocks(tree):
    blocks = {}
    for name in tree.c_files(LIBRARY, ".c"):
        for match in BLOCK.finditer(tree.text(name)):
            line = tree.text(name)[: match.start()].count("\n") + 1
            blocks.setdefault(match[1], []).append((f"{name}:{line}", match[2]))
    return blocks


def block_names(name):
    """A function with a size, which users call through a macro that adds it, may be described as the macro."""
    return [name, name.removesuffix("_sized")] if name.endswith("_sized") else [name]


def documented(tree):
    """every public function has one documentation block."""
    blocks = documentation_blocks(tree)
    for name, d in public_declarations(tree).items():
        if d.parameters is not None and not any(n in blocks for n in block_names(name)):
            yield f"{d.header}:{d.line}: {name}: no /** {name}: block in a .c file"
    for name, found in blocks.items():
        if len(found) > 1:
            yield f"{found[1][0]}: {name}: a second block; the first is at {found[0][0]}"


def undescribed(d, name, block):
    """What the block leaves out of a function's parameters and return value."""
    added = {"size"} if name != d.name else set()
    for parameter in d.parameters:
        if parameter not in added and not re.search(r"^\s*\*\s*@" + parameter + r":\s*\S", block, re.MULTILINE):
            yield f"@{parameter}: is not described"
    if not re.search(r"\bvoid$", d.specifiers) and "Returns:" not in block:
        yield "no Returns:"


def parameters_documented(tree):
    """a documentation block names each parameter and what is returned."""
    blocks = documentation_blocks(tree)
    functions = [d for d in public_declarations(tree).values() if d.parameters is not None]
    for d in functions:
        for name in block_names(d.name):
            for place, block in blocks.get(name, []):
                yield from (f"{place}: {name}: {what}" for what in undescribed(d, name, block))


def index_entries(tree):
    """Header -> the functions that docs/reference/api.md lists under it: the first cell of each row."""
    sections = re.split(r"^## (weir/\S+\.h)$", tree.text(INDEX), flags=re.MULTILINE)[1:]
    return {header: set(re.findall(r"^\| `(weir_\w+)`", text, re.MULTILINE)) for header, text in zip(sections[::2], sections[1::2])}


def indexed(tree):
    """docs/reference/api.md lists each public function, under its header."""
    entries = index_entries(tree)
    for name, d in public_declarations(tree).items():
        if d.parameters is None:
            continue
        listed = entries.setdefault(d.header.removeprefix("include/"), set())
        if not listed & set(block_names(name)):
            yield f"{d.header}:{d.line}: {name}: not in {INDEX}"
        listed -= set(block_names(name))
    for header, left in entries.items():
        yield from (f"{INDEX}: {name}: {header} does not declare it" for name in sorted(left))


RULES = [exported_symbols, no_global_state, documented, parameters_documented, indexed]
