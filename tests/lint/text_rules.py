# SPDX-License-Identifier: Apache-2.0
"""Rules about the text of the whole tree: machine paths, hosts, links, licence lines."""
import os
import re

# A host that the tree may name; everything else is a machine's or a registry's business.
HOSTS = {"www.apache.org", "spark.apache.org", "keepachangelog.com", "semver.org", "www.gnu.org", "libevent.org", "xxhash.com",
         "docs.gtk.org", "example.com", "example.org"}
HOST = r"(?<![\w.@/-])(?:https?://)?((?:[a-z0-9-]+\.)+(?:org|com|net|io|dev))(?![\w(.]|-\w)"
ABSOLUTE = r"(?<![\w.$})~*-])/(?:work|root|home|Users)/\w"
TEMPORARY = r"(?<![\w.$})])/tmp/"
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
SCRIPTS = (".py", ".sh", "meson.build", ".c", ".h")


def absolute_paths(tree):
    """no path of one machine."""
    for name, number, match in tree.search(tree.files, ABSOLUTE):
        yield f"{name}:{number}: {match[0]}...: a path of one machine"
    programs = [f for f in tree.files if f.endswith(SCRIPTS) or f.startswith(("scripts/", ".ci/"))]
    for name, number, match in tree.search([f for f in programs if not f.endswith("_rules.py")], TEMPORARY):
        yield f"{name}:{number}: {match[0]}: make a temporary folder, or take its name from the environment"


def hosts(tree):
    """no host but those that the tree may name."""
    texts = [f for f in tree.files if f != "tests/lint/text_rules.py"]
    for name, number, match in tree.search(texts, HOST):
        if match[1] not in HOSTS:
            yield f"{name}:{number}: {match[1]} is not on the list in tests/lint/text_rules.py"


def licence_lines(tree):
    """scripts and build files carry the licence line."""
    for name in tree.files:
        is_script = name.startswith(("scripts/", ".ci/")) and "." not in os.path.basename(name)
        if (name.endswith((".py", ".sh", "meson.build")) or is_script) and \
           "SPDX-License-Identifier: Apache-2.0" not in tree.text(name)[:400]:
            yield f"{name}: no SPDX line"


def white_space(tree):
    """no tab, blank at a line's end, or missing last newline."""
    text_files = (".c", ".h", ".py", ".md", ".sh", "meson.build", "meson_options.txt")
    for name, number, match in tree.search([f for f in tree.files if f.endswith(text_files)], r"\t|[ ]+$"):
        yield f"{name}:{number}: {'a tab' if match[0] == chr(9) else 'blanks at the end'}"
    for name in tree.files:
        if name.endswith(text_files) and tree.text(name) and not tree.text(name).endswith("\n"):
            yield f"{name}: no newline at the end"


def prose(text):
    """Markdown without its code, line numbers kept."""
    text = re.sub(r"^(```+|~~~+).*?^\1", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text):
    """The anchors of a page's headings, as the usual Markdown renderers make them."""
    plain = re.sub(r"^(```+|~~~+).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    found = set(re.findall(r'<a (?:name|id)="([^"]+)"', plain))
    for heading in re.findall(r"^#+\s+(.*?)\s*#*$", plain, re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
        found.add(kept.replace(" ", "-"))
    return found


def links(tree):
    """links between pages resolve."""
    for name in [f for f in tree.files if f.endswith(".md")]:
        for number, line in enumerate(prose(tree.text(name)).splitlines(), 1):
            for target in LINK.findall(line):
                if re.match(r"[a-z]+:", target):
                    continue
                page, _, anchor = target.partition("#")
                there = os.path.normpath(os.path.join(os.path.dirname(name), page)) if page else name
                if not os.path.exists(tree.path(there)):
                    yield f"{name}:{number}: {target}: there is no {there}"
                elif anchor and there.endswith(".md") and anchor not in anchors(tree.text(there)):
                    yield f"{name}:{number}: {target}: {there} has no heading for #{anchor}"


def named_tests(tree):
    """tests that the explanations name are there."""
    programs, scripts = {}, {}
    for name in [f for f in tree.files if f.startswith("tests/")]:
        base = os.path.basename(name)
        if base.endswith("-test.c"):
            programs.setdefault(base[:-len("-test.c")], []).append(tree.text(name))
        elif base.endswith(".py"):
            scripts.setdefault(base, []).append(tree.text(name))
    pages = [f for f in tree.files if f.startswith("docs/explanation/")]
    for name, number, match in tree.search(pages, r"`([a-z0-9-]+)/([a-z0-9_-]+)`"):
        if not any(re.search(rf"\b{match[2]}\b(?!-)", text) for text in programs.get(match[1], [])):
            yield f"{name}:{number}: {match[0]}: there is no such test"
    for name, number, match in tree.search(pages, r"`(\w+\.py)` (\w+(?:, \w+)*)"):
        for case in match[2].split(", "):
            if not any(re.search(rf"\b{case}\b", text) for text in scripts.get(match[1], [])):
                yield f"{name}:{number}: {case}: {match[1]} has no such case"


RULES = [absolute_paths, hosts, licence_lines, white_space, links, named_tests]
