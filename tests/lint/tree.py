# SPDX-License-Identifier: Apache-2.0
"""The source tree as the lint rules see it: its files, their text, and the C in them without comments."""
import os
import re
import shutil
import subprocess

# Folder -> the folders that it may include from, besides itself and the public headers.
ARROWS = {
    "include": [],
    "engine": [],
    "operators": ["engine"],
    "testkit": ["engine"],
    "clients": [],
    "sources": ["engine", "clients"],
    "sinks": ["engine", "clients"],
    "stores": ["engine", "clients"],
    "ui": ["engine", "stores"],
    "tools": ["engine", "stores", "clients"],
    "examples": [],
}
LIBRARY = ["engine", "operators", "clients", "sources", "sinks", "stores", "testkit", "tools"]
UNITS = ["engine", "operators", "clients", "sources", "sinks", "stores"]


class Missing(Exception):
    """A tool that a rule needs is not on this machine."""


def without_comments(text):
    """C without comments and without what stands in strings; line numbers stay."""

    def blank(match):
        kept = "\n" * match[0].count("\n")
        return {'"': '""', "'": "' '"}.get(match[0][0], " ") + kept

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)


class Tree:
    def __init__(self, root, library=None):
        self.root, self.library = os.path.abspath(root), library
        self.files = sorted(self._list())
        self._texts = {}

    def _list(self):
        git = ["git", "-C", self.root, "ls-files", "-co", "--exclude-standard"]
        listed = subprocess.run(git, capture_output=True, text=True) if shutil.which("git") else None
        if listed is not None and listed.returncode == 0 and listed.stdout:
            return [f for f in listed.stdout.splitlines() if os.path.isfile(os.path.join(self.root, f))]
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [d for d in folders if not d.startswith(("build", ".git", "subprojects", "__pycache__"))]
            found += [os.path.relpath(os.path.join(folder, f), self.root) for f in files]
        return found

    def path(self, name):
        return os.path.join(self.root, name)

    def text(self, name):
        """The file's text, or an empty one if it is not text."""
        if name not in self._texts:
            with open(self.path(name), "rb") as f:
                data = f.read()
            try:
                self._texts[name] = "" if b"\0" in data else data.decode()
            except UnicodeDecodeError:
                self._texts[name] = ""
        return self._texts[name]

    def code(self, name):
        return without_comments(self.text(name))

    def c_files(self, folders=None, endings=(".c", ".h")):
        return [f for f in self.files if f.endswith(endings) and (folders is None or f.split("/")[0] in folders)]

    def search(self, names, pattern, of=None):
        """Yields (name, line number, match) for each match of the pattern in the files."""
        regex = re.compile(pattern)
        for name in names:
            for number, line in enumerate((of or self.text)(name).splitlines(), 1):
                for match in regex.finditer(line):
                    yield name, number, match

    def run(self, *command, stdin=None):
        if not shutil.which(command[0]):
            raise Missing(f"{command[0]} is not on this machine")
        return subprocess.run(command, input=stdin, capture_output=True, text=True, errors="replace", cwd=self.root)
