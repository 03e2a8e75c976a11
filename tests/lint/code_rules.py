# SPDX-License-Identifier: Apache-2.0
"""Rules about the C code: who includes whom, sizes, forbidden calls, formatting, tests."""
import os
import re

from tree import ARROWS, LIBRARY, UNITS

INCLUDE = r'^\s*#\s*include\s+(["<])([^">]+)[">]'
# Header prefix of an outside library -> where in the library's own folders it may be included.
OUTSIDE = {
    "event2/": ("engine/loop.c",),
    "event.h": (),
    "xxhash.h": ("engine/",),
    "librdkafka/": ("clients/",),
    "hiredis/": ("clients/",),
    "gio/": (),
}
BANNED = [
    (r"\bgoto\b", "goto"),
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|system|popen|alloca|g_alloca|g_newa)\s*\(",
     "an unsafe or unchecked call"),
    (r"^\s*#\s*if\s+0\b", "disabled code"),
]
BANNED_IN_LIBRARY = [
    (r"\b(g_mutex_|g_cond_|g_rec_mutex_|g_rw_lock_|g_async_queue_|G_LOCK)\w*\s*\(", "a lock of GLib's: the core uses pthreads"),
    (r"\b(exit|abort|_exit)\s*\(", "a library does not end the process"),
]
NOTES = r"\b(TODO|FIXME|XXX|HACK)\b"
SLEEPS = r"\b(g_usleep|usleep|nanosleep|clock_nanosleep|sleep)\s*\("


def includes(tree, folders):
    for name in tree.c_files(folders):
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            match = re.match(INCLUDE, line)
            if match:
                yield name, number, match[1] == '"', match[2]


def arrows(tree):
    """include arrows between folders point one way."""
    for name, number, _, target in includes(tree, ARROWS):
        top, to = name.split("/")[0], target.split("/")[0]
        if to in ARROWS and to != top and to not in ARROWS[top]:
            yield f"{name}:{number}: {top} must not include {target}"


def rooted(tree):
    """internal includes are rooted, public ones are <weir/...>."""
    found = list(includes(tree, ARROWS))
    jobs = {name for name, _, _, target in found if target.startswith("weir/")}
    for name, number, quoted, target in found:
        # A job is one file, or a folder as scripts/new-job makes it, to be copied; programs around jobs, which know nothing of
        # weir, may share a file.
        if quoted and name.count("/") > 1 and name.startswith("examples/") and f"{os.path.dirname(name)}/{target}" in tree.files:
            continue
        shared = name not in jobs and name.startswith("examples/") and target.startswith("examples/")
        alone = name.startswith(("include/", "examples/")) and not shared
        if quoted and (alone or target not in tree.files):
            yield f'{name}:{number}: "{target}": write "folder/name.h" from the root, or <weir/name.h>'
        if not quoted and target.startswith("weir/") and "include/" + target not in tree.files:
            yield f"{name}:{number}: <{target}> is no public header"


def outside_libraries(tree):
    """outside libraries are included only where they belong."""
    for name, number, _, target in includes(tree, LIBRARY + ["include"]):
        for prefix, places in OUTSIDE.items():
            if target.startswith(prefix) and not name.startswith(places or ("nowhere",)):
                yield f"{name}:{number}: {target} belongs to {' '.join(places) or 'no folder'}"


def opening_comments(tree):
    """each C file opens with a comment that has the licence line."""
    for name in tree.c_files():
        text = tree.text(name).lstrip()
        head = text[: text.find("*/")] if text.startswith("/*") else ""
        if "SPDX-License-Identifier: Apache-2.0" not in head:
            yield f"{name}: no opening /* ... */ comment with the SPDX line"


def banned_calls(tree):
    """no banned word or call."""
    for pattern, what in BANNED:
        for name, number, match in tree.search(tree.c_files(), pattern, tree.code):
            yield f"{name}:{number}: {match[0].strip()}: {what}"
    in_library = [name for name in tree.c_files(LIBRARY) if name != "engine/kill-point.c"]  # ends the process for tests
    for pattern, what in BANNED_IN_LIBRARY:
        for name, number, match in tree.search(in_library, pattern, tree.code):
            yield f"{name}:{number}: {match[0].strip()}: {what}"
    for name, number, match in tree.search(tree.c_files(), NOTES):
        yield f"{name}:{number}: {match[0]}: a note to self in the code"


def no_sleeps(tree):
    """tests wait for events, never for time to pass."""
    for name, number, match in tree.search(tree.c_files(["tests"]), SLEEPS, tree.code):
        yield f"{name}:{number}: {match[0]}): wait for an event with a deadline"


def file_sizes(tree):
    """no .c file over 600 lines, no internal header over 150."""
    for name in tree.c_files(LIBRARY):
        lines, limit = tree.text(name).count("\n"), 600 if name.endswith(".c") else 150
        if lines > limit:
            yield f"{name}: {lines} lines, over {limit}: look for the seam"


def nesting(lines):
    depth = deepest = 0
    for line in lines:
        for char in re.sub(r"=\s*\{[^}]*\}|\)\s*\{[^}{]*\}", "", line):
            depth += (char == "{") - (char == "}")
            deepest = max(deepest, depth)
    return max(0, deepest - 1)


def function_sizes(tree):
    """no function over 60 lines, 6 parameters or 4 levels."""
    files = tree.c_files(LIBRARY, ".c")
    tags = tree.run("ctags", "-f", "-", "--fields=+neS", "--kinds-C=f", "--languages=C", "-L", "-", stdin="\n".join(files))
    for tag in tags.stdout.splitlines():
        name, path = tag.split("\t")[:2]
        line, end = re.search(r"\tline:(\d+)", tag), re.search(r"\tend:(\d+)", tag)
        signature = re.search(r"\tsignature:\((.*)\)", tag)
        if not line or not end:
            continue
        start, stop = int(line[1]), int(end[1])
        n_parameters = 0 if not signature or signature[1] in ("", "void") else signature[1].count(",") + 1
        depth = nesting(tree.code(path).splitlines()[start - 1:stop])
        if stop - start + 1 > 60:
            yield f"{path}:{start}: {name}: {stop - start + 1} lines, over 60"
        if n_parameters > 6:
            yield f"{path}:{start}: {name}: {n_parameters} parameters, over 6"
        if depth > 4:
            yield f"{path}:{start}: {name}: nested {depth} deep, over 4"


def formatting(tree):
    """the C code is as clang-format 14 leaves it."""
    files = tree.c_files()
    done = tree.run("clang-format-14", "--dry-run", "-Werror", *files)
    said = re.findall(r"^(.+?:\d+):\d+: (?:error|warning)", done.stderr, re.MULTILINE)
    first = {}
    for place in said:
        first.setdefault(place.rsplit(":", 1)[0], place)
    yield from (f"{place}: run clang-format-14 -i" for place in first.values())
    if done.returncode and not said:
        yield done.stderr.strip().replace("\n", " ")


def tests_exist(tree):
    """each unit has a test file, and it is built."""
    for name in tree.c_files(UNITS, ".c"):
        test = "tests/" + name[:-2] + "-test.c"
        build = os.path.dirname(test) + "/meson.build"
        if test not in tree.files:
            yield f"{name}: no {test}"
        elif build not in tree.files or f"'{os.path.basename(test)[:-2]}'" not in tree.text(build):
            yield f"{name}: {build} does not name {os.path.basename(test)[:-2]}"


RULES = [arrows, rooted, outside_libraries, opening_comments, banned_calls, no_sleeps, file_sizes, function_sizes, formatting,
         tests_exist]
