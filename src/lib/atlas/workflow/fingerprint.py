"""Fingerprints of code: what a stage's result rests on, and nothing else.

The fingerprint of a script is a hash over the syntax trees of the script and of every module of `lib` and
`kernels` that it imports, directly or not. Comments, docstrings, blank lines and formatting do not count. The
stage runner, to which the last block of a script hands its function, does not count either: it moves data and makes
none. The block itself does, and so does the one part of the runner that numbers depend on, the seeding of generators.

Parsing all files takes seconds, and every start of Snakemake does it, twice for each job on a cluster. What was
read of a file is therefore kept in `.cache/fingerprints.json`, under a hash of its contents and of this module.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

from lib.atlas.workflow.memory import digest, memory

PACKAGES = ("lib", "kernels")
ALWAYS = ("lib.atlas.job.seeds",)
RUNNER = "lib.atlas.job.stage"
JUDGE = ("lib.atlas.job.claims",)  # verdicts depend on it too
MEMORY = ".cache/fingerprints.json"


class _Strip(ast.NodeTransformer):
    """Removes docstrings."""

    def _body(self, node):
        self.generic_visit(node)
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:] or [ast.Pass()]
        return node

    visit_Module = visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _body


@cache
def _module_file(name: str, roots: tuple[Path, ...]) -> Path | None:
    relative = Path(*name.split("."))
    for root in roots:
        for candidate in (root / relative.with_suffix(".py"), root / relative / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def _imported(tree: ast.AST, module: str | None, is_package: bool) -> set[str]:
    """Names of the modules that a tree may import; `from a import b` gives both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                if module is None:
                    raise ValueError(f"relative import in a script: {ast.unparse(node)}")
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + (1 if is_package else 0)]
                base = ".".join([*parts, base] if base else parts)
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    # a script names the runner in its closing block; the block counts, the runner does not
    return {name for name in names if name.split(".")[0] in PACKAGES and not name.startswith(RUNNER)}


@cache
def _reader() -> bytes:
    """What the hash of a file depends on beside the file: this module, and the syntax of this Python."""
    return Path(__file__).read_bytes() + sys.version.encode()


def _parse(source: str, file: Path, module: str | None) -> tuple[str, list[str]]:
    """Hash of one file's stripped syntax tree, and the project modules it imports."""
    try:
        tree = _Strip().visit(ast.parse(source, filename=str(file)))
    except SyntaxError as error:
        raise ValueError(f"{file}:{error.lineno}: not valid Python: {error.msg}") from None
    fingerprint = hashlib.sha256(ast.dump(tree, include_attributes=False).encode()).hexdigest()
    return fingerprint, sorted(_imported(tree, module, file.name == "__init__.py"))


@cache
def _read(file: Path, module: str | None, root: Path) -> tuple[str, list[str]]:
    """As `_parse`, from memory where the same contents were read before."""
    contents, known = file.read_bytes(), memory(root / MEMORY)
    name = f"{module} {file.name == '__init__.py'}"
    entry = digest(_reader(), name.encode(), contents)
    known.used[entry] = known.known.get(entry) or _parse(contents.decode("utf-8"), file, module)
    return known.used[entry]


def _parents(name: str) -> list[str]:
    """`a.b.c` -> `a`, `a.b`, `a.b.c`: importing a module runs its packages' `__init__` first."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


@cache
def code_modules(script: Path, root: Path) -> dict[str, str]:
    """Everything a script rests on.

    Args:
        script: a Python file of `workflow/scripts`.
        root: the project's root folder.

    Returns:
        Module name (the script itself: its path from `root`) to the hash of its stripped syntax tree.

    Raises:
        ValueError: a file that is not Python, named with its line; a project module that does not exist.
    """
    roots = (root / "src", root)
    if not script.is_file():
        raise ValueError(f"no such script: {script.relative_to(root)}")
    digest, imports = _read(script, None, root)
    hashes = {script.relative_to(root).as_posix(): digest}
    hashes |= _beneath([*imports, *ALWAYS, *(JUDGE if script.name == "claims.py" else ())], roots, root)
    return dict(sorted(hashes.items()))


def _beneath(names: list[str], roots: tuple[Path, ...], root: Path) -> dict[str, str]:
    """Hashes of modules and of all that they import, directly or not; names that are no modules are left out."""
    hashes: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        for name in _parents(waiting.pop()):
            if name in hashes:
                continue
            file = _module_file(name, roots)
            if file is None:
                continue  # `from module import function` also proposes `module.function`
            hashes[name], further = _read(file, name, root)
            waiting.extend(further)
    return hashes


@cache
def code_fingerprint(script: Path, root: Path) -> str:
    """Fingerprint of a script's code: 16 hexadecimal digits that change when what it computes may change."""
    lines = "".join(f"{name} {digest}\n" for name, digest in code_modules(script, root).items())
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _definitions(source: str, file: Path) -> dict[str, list]:
    """For each name of a script's own: a hash of its definition, the names in it, and the modules that it imports."""
    known: dict[str, list] = {}
    for node in _Strip().visit(ast.parse(source, filename=str(file))).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [(alias.asname or alias.name).split(".")[0] for alias in node.names]
        else:
            names = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
        text = hashlib.sha256(ast.dump(node, include_attributes=False).encode()).hexdigest()
        inside = sorted({one.id for one in ast.walk(node) if isinstance(one, ast.Name)})
        modules = sorted(name for name in _imported(node, None, False) if not name.startswith("lib.atlas."))
        for name in names:
            before = known.get(name, ["", [], []])
            known[name] = [before[0] + text, [*before[1], *inside], [*before[2], *modules]]
    return known


@cache
def function_fingerprints(script: Path, root: Path) -> dict[str, str]:
    """A fingerprint of each function of a script: of itself, of what it uses of the script, and of what that imports.

    It tells of one claim whether its measurement is what it was, where `code_fingerprint` speaks of the whole script.
    Modules of `lib.atlas` hand numbers on and do not count.

    Args:
        script, root: as of `code_modules`.
    """
    contents, remembered = script.read_bytes(), memory(root / MEMORY)
    entry = digest(_reader(), b"functions", contents)
    definitions = remembered.known.get(entry) or _definitions(contents.decode("utf-8"), script)
    remembered.used[entry] = definitions
    prints = {}
    for name in definitions:
        reached, waiting = {}, [name]
        while waiting:
            one = waiting.pop()
            if one in definitions and one not in reached:
                reached[one], inside, _ = definitions[one]
                waiting.extend(inside)
        modules = _beneath([each for one in reached for each in definitions[one][2]], (root / "src", root), root)
        modules = {module: text for module, text in modules.items() if not f"{module}.".startswith("lib.atlas.")}
        lines = "".join(f"{one} {text}\n" for one, text in sorted((reached | modules).items()))
        prints[name] = hashlib.sha256(lines.encode()).hexdigest()[:16]
    return prints
