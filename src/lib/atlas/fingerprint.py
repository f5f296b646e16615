"""Fingerprints of code: what a stage's result rests on, and nothing else.

The fingerprint of a script is a hash over the syntax trees of the script and of every module of `lib` and
`kernels` that it imports, directly or not. Comments, docstrings, blank lines and formatting do not count. The
last block of a script, which hands its function to the stage runner, does not count either: the runner moves
data, it does not make any. The one part of the runner that numbers depend on, the seeding of generators, is
counted for every script.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGES = ("lib", "kernels")
ALWAYS = ("lib.atlas.seeds",)


class _Strip(ast.NodeTransformer):
    """Removes docstrings, and the guarded block that only runs inside a workflow job."""

    def _body(self, node):
        self.generic_visit(node)
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:] or [ast.Pass()]
        return node

    visit_Module = visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _body

    def visit_If(self, node):
        if ast.unparse(node.test) == "'snakemake' in globals()":
            return None
        return self.generic_visit(node)


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
    return {name for name in names if name.split(".")[0] in PACKAGES}


@cache
def _read(file: Path, module: str | None) -> tuple[str, frozenset[str]]:
    """Hash of one file's stripped syntax tree, and the project modules it imports."""
    try:
        tree = _Strip().visit(ast.parse(file.read_text(encoding="utf-8"), filename=str(file)))
    except SyntaxError as error:
        raise ValueError(f"{file}:{error.lineno}: not valid Python: {error.msg}") from None
    digest = hashlib.sha256(ast.dump(tree, include_attributes=False).encode()).hexdigest()
    return digest, frozenset(_imported(tree, module, file.name == "__init__.py"))


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
    digest, imports = _read(script, None)
    found = {script.relative_to(root).as_posix(): digest}
    waiting = [*imports, *ALWAYS]
    while waiting:
        for name in _parents(waiting.pop()):
            if name in found:
                continue
            file = _module_file(name, roots)
            if file is None:
                continue  # `from module import function` also proposes `module.function`
            found[name], further = _read(file, name)
            waiting.extend(further)
    return dict(sorted(found.items()))


@cache
def code_fingerprint(script: Path, root: Path) -> str:
    """Fingerprint of a script's code: 16 hexadecimal digits that change when what it computes may change."""
    lines = "".join(f"{name} {digest}\n" for name, digest in code_modules(script, root).items())
    return hashlib.sha256(lines.encode()).hexdigest()[:16]
