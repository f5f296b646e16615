"""The wheel: the library under the name `linear_atlas`, and the kernels as `linear_atlas.kernels`.

Inside the tree they are imported as `lib` and `kernels`. Names as short as these do not belong in a shared environment,
so the build writes each module with its imports, and the modules that its docstrings mention, renamed. Of `lib.atlas`,
the plumbing of the workflow, it takes only the modules that a subject imports.
"""

import ast
import functools
import io
import itertools
import re
import shutil
import tokenize
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = {"lib": "src/lib", "kernels": "kernels"}
NEW_NAMES = {"lib": "linear_atlas", "kernels": "linear_atlas.kernels"}
PLUMBING = "lib.atlas"
_MODULE = re.compile(r"(?<![\w./])(lib|kernels)(?=\.[a-z_]|\s+import\b)")


def renamed(source: str) -> str:
    """A module's text with the new names, in its imports, its strings and its comments.

    Raises:
        ValueError: an import that binds `lib` or `kernels` itself, whose uses would have to be renamed too.
    """
    lines = source.splitlines(keepends=True)
    offset = [0, *itertools.accumulate(map(len, lines))]
    spans = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bare = [entry.name for entry in node.names if entry.name.split(".")[0] in NEW_NAMES and not entry.asname]
            if isinstance(node, ast.Import) and bare:
                raise ValueError(f"line {node.lineno}: got `import {bare[0]}`, expected `from {bare[0]} import ...`")
            spans.append((offset[node.lineno - 1], offset[node.end_lineno]))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            (first, start), (last, end) = token.start, token.end
            spans.append((offset[first - 1] + start, offset[last - 1] + end))

    def new_name(match: re.Match) -> str:
        inside = any(start <= match.start() < end for start, end in spans)
        return NEW_NAMES[match[0]] if inside else match[0]

    return _MODULE.sub(new_name, source)


def imports(source: str) -> set[str]:
    """Every module, or name of a module, that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


@functools.cache
def modules() -> dict[str, Path]:
    """Files of the wheel by the module's name in the tree: all subjects, all kernels, and the plumbing they rest on."""
    files = {}
    for name, folder in FOLDERS.items():
        for file in sorted(Path(folder).rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            files[".".join([name, *parts]).removesuffix(".__init__")] = file
    wheel = {name for name in files if not f"{name}.".startswith(f"{PLUMBING}.")}
    queue = list(wheel)
    while queue:
        needed = imports(files[queue.pop()].read_text(encoding="utf-8"))
        needed |= {name.rpartition(".")[0] for name in needed}
        needed |= {name.rpartition(".")[0] for name in needed}  # the packages above a module
        new = needed & files.keys() - wheel
        wheel |= new
        queue += new
    return {name: files[name] for name in sorted(wheel)}


class RenamingBuild(build_py):
    """Copies the modules of the wheel under their new names, into an empty folder."""

    def run(self):
        """Build all modules."""
        if self.editable_mode:
            raise SystemExit("linear atlas: no editable install: inside the tree `make env` puts `lib` on the path")
        shutil.rmtree(self.build_lib, ignore_errors=True)  # or modules of an earlier build would be packed again
        super().run()

    def find_package_modules(self, package, package_dir):
        """Modules of a package that belong to the wheel."""
        ours = {file.resolve() for file in modules().values()}
        entries = super().find_package_modules(package, package_dir)
        return [entry for entry in entries if Path(entry[2]).resolve() in ours]

    def build_module(self, module, module_file, package):
        """Copy one module and rename what it imports."""
        target, copied = super().build_module(module, module_file, package)
        try:
            Path(target).write_text(renamed(Path(module_file).read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as error:
            raise SystemExit(f"linear atlas: {module_file}: {error}") from None
        return target, copied


def packages() -> list[str]:
    """Packages of the wheel."""
    names = [name for name, file in modules().items() if file.name == "__init__.py"]
    return [_MODULE.sub(lambda match: NEW_NAMES[match[1]], f"{name}.x").removesuffix(".x") for name in names]


setup(
    packages=packages(),
    package_dir={new: FOLDERS[old] for old, new in NEW_NAMES.items()},
    cmdclass={"build_py": RenamingBuild},
)
