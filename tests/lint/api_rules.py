# SPDX-License-Identifier: Apache-2.0
"""Rules about the public interface: what the library exports, and how it is documented."""
import os
import re

from headers import public_declarations
from tree import LIBRARY, Missing

BLOCK = re.compile(r"/\*\*\s*\n\s*\*\s*(weir_\w+):[^\n]*\n(.*?)\*/", re.DOTALL)
INDEX = "docs/reference/api.md"
# What only inline functions and macros call.
NOT_FOR_JOBS = {"weir_task_flush", "weir_task_emit_slow", "weir_task_emit_pair_slow", "weir_value_oversized",
                "weir_value_sized", "weir_text_next_blank_token", "weir_text_span"}
# How else a job says it.
SPELLINGS = {"weir_error_quark": "WEIR_ERROR", "weir_context_free": "g_autoptr (WeirContext)", "weir_queue_free": "g_autoptr (WeirQueue)",
             "weir_reduce_sum": "WEIR_SUM", "weir_reduce_min": "WEIR_MIN", "weir_reduce_max": "WEIR_MAX",
             "weir_reduce_first": "WEIR_FIRST", "weir_reduce_last": "WEIR_LAST"}
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


def not_called(tree, code):
    """The public functions that jobs may call and the code does not."""
    for name, d in public_declarations(tree).items():
        if d.parameters is None or name in NOT_FOR_JOBS:
            continue
        if SPELLINGS.get(name, "\0") not in code and not any(re.search(rf"\b{n}\b", code) for n in block_names(name)):
            yield f"{d.header}:{d.line}: {name}"


def in_jobs(tree):
    """each public function is called in an example job, those of the test kit in a job's test."""
    code = "\n".join(tree.code(f) for f in tree.c_files(["examples"]))
    yield from (f"{which}: no job in examples/ calls it" for which in not_called(tree, code))


def tested(tree):
    """each public function is called in a test program."""
    code = "\n".join(tree.text(f) for f in tree.files if f.startswith("tests/") and f.endswith(".c"))
    yield from (f"{which}: no test calls it" for which in not_called(tree, code))


def listed_in_readme(tree):
    """README lists each public function once, with a page that has it, and none that is not there."""
    part = re.search(r"<!-- functions: begin.*?-->(.*?)<!-- functions: end -->", tree.text("README.md"), re.DOTALL)
    if not part:
        yield "README.md: the table of functions and its marks are gone"
        return
    rows = re.findall(r"^\| (\w[^|]*?) \| \[[^\]]*\]\(([^)#]*)[^)]*\) \|$", part[1], re.MULTILINE)
    listed = [f"weir_{name}" for cell, _ in rows for name in cell.split(", ")]
    for cell, page in rows:
        for name in (f"weir_{name}" for name in cell.split(", ")):
            if not re.search(rf"\b{name}\b", tree.text(page)) and SPELLINGS.get(name, "\0") not in tree.text(page):
                yield f"README.md: {name}: {page} does not have it"
    functions = {n for n, d in public_declarations(tree).items() if d.parameters is not None} - NOT_FOR_JOBS
    wanted = {block_names(name)[-1] for name in functions}
    yield from (f"README.md: {name}: is not in the table of functions" for name in sorted(wanted - set(listed)))
    yield from (f"README.md: {name}: no public header declares it" for name in sorted(set(listed) - wanted))
    yield from (f"README.md: {name}: stands there twice" for name in sorted(wanted) if listed.count(name) > 1)


RULES = [exported_symbols, no_global_state, documented, parameters_documented, indexed, in_jobs, tested, listed_in_readme]
