"""Malformed configurations, drawn from the schemas and the papers' own files, and what is said about each.

A mistake never asks the code under test whether it is one: a text where a number stands, a list for a scalar, an
unknown or missing key, a number that is not finite are wrong whatever the schema says.
"""

import copy
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from lib.atlas.workflow.config import ConfigError, check_file, load_config, load_paper, load_yaml

MAIN = "config/config.yaml"
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True)
class Mistake:
    """One malformed configuration.

    `kind` says what is wrong, `file` where, `contents` what the file holds instead, `arguments` what stands on the
    command line after `--config`, and `key` what the message must name.
    """

    kind: str
    file: str
    key: str
    contents: bytes | Callable[[], bytes] = b""
    arguments: tuple[str, ...] = ()

    def bytes(self) -> bytes:
        """What the file holds."""
        return self.contents() if callable(self.contents) else self.contents


def _walk(value, path=()) -> Iterator[tuple[tuple, object]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index))


def _with(document, path: tuple, change) -> object:
    """A copy of a document in which `change(parent, key)` was applied at a path."""
    document = copy.deepcopy(document)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return document


def _replace(new):
    def change(parent, key):
        parent[key] = new

    return change


def _wrong_values(value) -> list[tuple[str, object]]:
    """Values that cannot stand where `value` stands."""
    if isinstance(value, bool):
        return [("wrong type", "maybe"), ("list for a scalar", [value])]
    if isinstance(value, int | float):
        wrong = [
            ("wrong type", "many"),
            ("list for a scalar", [value]),
            ("mapping for a scalar", {"value": value}),
            ("not a number", float("nan")),
            ("infinite", float("inf")),
            ("nothing", None),
            ("true for a number", True),
        ]
        if isinstance(value, int):
            wrong += [("huge number", 10**30), ("fraction for an integer", value + 0.5)]
        return wrong
    if isinstance(value, str):
        return [("number for text", 3), ("list for a scalar", [value]), ("nothing", None), ("empty text", "")]
    if isinstance(value, list):
        return [("scalar for a list", 3), ("mapping for a list", {"a": 1}), ("nothing", None)]
    return [("list for a mapping", ["a"]), ("scalar for a mapping", 3)]


def _dump(document):
    """The bytes of a document, made when they are asked for."""
    return lambda: yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True).encode()


def of_values(file: str, document: dict, keep) -> list[Mistake]:
    """Wrong values at every place that `keep` lets through."""
    found = []
    for path, value in _walk(document):
        if not path or not keep(path):
            continue
        for kind, wrong in _wrong_values(value):
            if kind == "fraction for an integer" and path[-1] not in ("root_seed", "year"):
                continue  # an integer in a file may stand for a real parameter
            if kind in ("list for a scalar", "number for text", "wrong type") and path[-1] in ("equals", "scale"):
                continue
            if kind in ("scalar for a list", "true for a number") and "equals" in path:
                continue  # what a claim must equal may be a number, true or false, or a list of them
            key = next(str(k) for k in reversed(path) if not isinstance(k, int))
            found.append(Mistake(kind, file, key, _dump(_with(document, path, _replace(wrong)))))
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and value > 0
            and path[0] in ("parameters", "root_seed")
        ):
            key = next(str(k) for k in reversed(path) if not isinstance(k, int))
            found.append(Mistake("negative size", file, key, _dump(_with(document, path, _replace(-value)))))
    return found


OPTIONAL = ("venue", "code", "notes", "remarks", "kind", "data", "gpu")


def _may_be_left_out(path: tuple, key: str, schema: dict) -> bool:
    """Whether a parameter has a value without this key: of another scale, or the stage's own."""
    if path[:1] != ("parameters",) or len(path) == 1:
        return False
    if path[1] != "laptop":
        return True  # the other scales start from laptop
    for step in path[2:]:
        schema = schema.get("items") if isinstance(step, int) else schema.get("properties", {}).get(step)
        if not isinstance(schema, dict):
            return True  # the author's own names
    return key not in schema.get("required", ())


def of_keys(file: str, document: dict, keep, schema: dict) -> list[Mistake]:
    """Unknown, missing and oddly typed keys at every mapping that `keep` lets through; `schema` of its parameters."""
    found = []
    for path, value in _walk(document):
        if not isinstance(value, dict) or (path and not keep(path)):
            continue
        free = path in {("data",), ("figures",)}  # mappings whose keys are the author's names
        for kind, wrong in (("unknown key", "colour_"), ("path in a key", "x/../../y"), ("key is a number", 7)):
            changed = {**value, wrong: 1}
            contents = _dump(_with(document, path, _replace(changed)) if path else changed)
            if path != ("data",):
                found.append(Mistake(kind, file, str(wrong), contents))
        for key in value:
            scales = path == ("parameters",) or (
                "pass" in path and isinstance(document["claims"][path[1]]["pass"], dict)
            )
            if free or key in OPTIONAL or scales or _may_be_left_out(path, key, schema):
                continue
            rest = {k: v for k, v in value.items() if k != key}
            contents = _dump(_with(document, path, _replace(rest)) if path else rest)
            named = "pass" if "pass" in path and key != "quantity" else str(key)
            found.append(Mistake("missing key", file, named, contents))
    return found


def of_text(file: str, text: bytes) -> list[Mistake]:
    """Files that are not the YAML, or not the text, that they should be."""
    first = text.split(b"\n")[next(i for i, line in enumerate(text.split(b"\n")) if line and line[:1] not in b"# ")]
    key = first.split(b":")[0].decode()
    bomb = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in range(ord("b"), ord("j"))
    )
    name = file.split("/")[-1]
    return [
        Mistake("empty file", file, name, b""),
        Mistake("only a comment", file, name, b"# nothing\n"),
        Mistake("list at the top", file, name, b"- a\n- b\n"),
        Mistake("text at the top", file, name, b"hello\n"),
        Mistake("number at the top", file, name, b"3\n"),
        Mistake("bad YAML", file, name, text + b"\nx: [1, 2\n"),
        Mistake("bad YAML", file, name, text + b"\n\tx: 1\n"),
        Mistake("bad YAML", file, name, text + b"\nx: y: z\n"),
        Mistake("bad YAML", file, name, text + b"\nx: 'unclosed\n"),
        Mistake("bad YAML", file, name, text + b"\nx: *nowhere\n"),
        Mistake("bad YAML", file, name, text + b"\n? [a, b]\n: 1\n"),
        Mistake("code in YAML", file, name, text + b"\nx: !!python/object/apply:os.getcwd []\n"),
        Mistake("bad UTF-8", file, name, text + b"\nx: \xff\xfe\n"),
        Mistake("bad UTF-8", file, name, b"\xc3\x28: 1\n" + text),
        Mistake("NUL byte", file, name, text + b"\nx: \x00\n"),
        Mistake("UTF-16", file, name, b"\xff\xfe" + text.decode().encode("utf-16-le")[:-1]),
        Mistake("duplicate key", file, key, text + b"\n" + first + b"\n"),
        Mistake("second document", file, name, text + b"\n---\na: 1\n"),
        Mistake("alias bomb", file, name, text + b"\n" + bomb),
        Mistake("nested too deeply", file, name, text + b"\nx: " + b"[" * 3000 + b"]" * 3000 + b"\n"),
        Mistake("date for a value", file, name, text + b"\nx: 2024-13-45\n"),
    ]


def of_paths(main: dict) -> list[Mistake]:
    """Names that would leave the results folder."""
    wrong = ("../outside", "a/../../b", "results/..", "..", "~/results", "a b", "a\tb", "{seed}", "x" * 2000)
    return [Mistake("path traversal", MAIN, "results", _dump({**main, "results": value})) for value in wrong]


def of_names(file: str, document: dict) -> list[Mistake]:
    """Names of figures, claims, sections and pass rules that cannot be names."""
    found = []
    figure = next(iter(document["figures"]))
    for wrong in ("../up", "a/b", "Big", "1st", "a b", ""):
        figures = {(wrong if key == figure else key): value for key, value in document["figures"].items()}
        found.append(Mistake("bad name", file, "figures", _dump({**document, "figures": figures})))
    for wrong in ("../q1", "q", "Q1", "1", "q 1"):
        changed = _with(document, ("claims", 0, "id"), _replace(wrong))
        found.append(Mistake("bad name", file, "id", _dump(changed)))
    twice = _with(document, ("claims",), lambda parent, key: parent[key].append(copy.deepcopy(parent[key][0])))
    found.append(Mistake("duplicate claim", file, "id", _dump(twice)))
    unknown = _with(document, ("figures", figure, "claims"), _replace(["z99"]))
    found.append(Mistake("figure of no claim", file, "claims", _dump(unknown)))
    two = _with(document, ("claims", 0, "pass"), _replace([{"quantity": "a", "below": 1, "above": 0}]))
    found.append(Mistake("two bounds in a pass rule", file, "pass", _dump(two)))
    none = _with(document, ("claims", 0, "pass"), _replace([{"quantity": "a"}]))
    found.append(Mistake("pass rule without a bound", file, "pass", _dump(none)))
    return found


def of_command_line() -> list[Mistake]:
    """Mistakes after `--config`."""
    given = [
        ("wrong type", "root_seed", "root_seed=many"), ("negative size", "root_seed", "root_seed=-1"),
        ("fraction for an integer", "root_seed", "root_seed=0.5"), ("not a number", "root_seed", "root_seed=.nan"),
        ("infinite", "root_seed", "root_seed=.inf"), ("huge number", "root_seed", "root_seed=" + "9" * 30),
        ("list for a scalar", "root_seed", "root_seed=[0,1]"), ("unknown value", "scale", "scale=huge"),
        ("list for a scalar", "scale", "scale=[smoke]"), ("nothing", "scale", "scale="),
        ("number for text", "scale", "scale=1"), ("unknown value", "device", "device=tpu"),
        ("path traversal", "results", "results=../outside"), ("path traversal", "results", "results=a/../../b"),
        ("nothing", "results", "results="), ("number for text", "results", "results=3"),
        ("unknown key", "colour", "colour=red"), ("scalar for a mapping", "data", "data=3"),
        ("list for a mapping", "data", "data=[a]"), ("number for text", "corpus", "data={corpus: 3}"),
    ]  # fmt: skip
    return [Mistake(kind, "", key, arguments=(text,)) for kind, key, text in given]


def _strict(path: tuple) -> bool:
    """Whether a place is checked at laptop scale and holds values of one kind only."""
    other_scale = path[0] == "parameters" and len(path) > 2 and path[1] != "laptop"
    return not other_scale and "equals" not in path[:-1]


def everything(root: Path) -> list[Mistake]:
    """All malformed configurations of a project's main file and papers."""
    main = load_yaml(root / MAIN)
    found = of_values(MAIN, main, lambda path: True) + of_keys(MAIN, main, lambda path: True, {})
    found += of_text(MAIN, (root / MAIN).read_bytes()) + of_paths(main) + of_command_line()
    for path in sorted((root / "config/papers").glob("*.yaml")):
        file, document = path.relative_to(root).as_posix(), load_yaml(path)
        schema = load_yaml(root / "workflow/schemas/papers" / path.name)
        found += of_values(file, document, _strict) + of_keys(file, document, _strict, schema)
        found += of_text(file, path.read_bytes()) + of_names(file, document)
    return found


def sample(mistakes: list[Mistake], number: int, seed: int) -> list[Mistake]:
    """A sample in which every pair of kind and file comes before any comes twice."""
    draw, groups = random.Random(seed), {}
    for mistake in mistakes:
        groups.setdefault((mistake.kind, mistake.file), []).append(mistake)
    for group in groups.values():
        draw.shuffle(group)
    order = list(groups)
    draw.shuffle(order)
    taken = []
    for turn in range(max(map(len, groups.values()))):
        taken += [groups[name][turn] for name in order if turn < len(groups[name])]
    return taken[:number]


def _given(arguments: tuple[str, ...]) -> dict:
    """What Snakemake makes of `key=value` on its command line."""
    parts = (argument.split("=", 1) for argument in arguments)
    return {key: yaml.safe_load(value) if value else value for key, value in parts}


def said_by_loader(mistake: Mistake, root: Path) -> str | None:
    """What the loader says about a mistake, None when it lets it pass.

    `root` is a copy of the project whose file is overwritten and put back.
    """
    path = root / mistake.file if mistake.file else None
    before = path.read_bytes() if path else b""
    try:
        if path:
            path.write_bytes(mistake.bytes())
        check_file(root / MAIN)
        config = load_config({**load_yaml(root / MAIN), **_given(mistake.arguments)}, root)
        for file in sorted((root / "config/papers").glob("*.yaml")):
            if mistake.file in ("", MAIN, file.relative_to(root).as_posix()):
                load_paper(file.stem, root, config["scale"])
    except ConfigError as error:
        return str(error)
    finally:
        if path:
            path.write_bytes(before)
    return None


def fault_of(said: str | None, mistake: Mistake) -> str:
    """What is wrong with what was said; empty when it is one line that names the key."""
    if said is None:
        return "accepted"
    if "\n" in said.strip() or len(said) > 2000:
        return "not one line"
    if mistake.key not in said:
        return f"does not name {mistake.key}"
    return ""


def said_by_command(mistake: Mistake, project) -> tuple[str, str]:
    """The line that the real command says, and what is wrong with its output or exit status.

    `project` is a copy of the project (`tests.conftest.Copy`).
    """
    path = project.root / mistake.file if mistake.file else None
    before = path.read_bytes() if path else b""
    more = ["--config", *mistake.arguments] if mistake.arguments else []
    try:
        if path:
            path.write_bytes(mistake.bytes())
        done = subprocess.run(
            project.command("--dry-run", *more),
            cwd=project.root,
            env=project.environment(),
            capture_output=True,
            text=True,
        )
    finally:
        if path:
            path.write_bytes(before)
    lines = [line for line in done.stderr.splitlines() if line.startswith("linear atlas:")]
    fault = fault_of("\n".join(lines) or None, mistake)
    if done.returncode != 1:
        fault = f"exit status {done.returncode}"
    if "Traceback" in done.stderr:
        fault = "traceback"
    return lines[0] if lines else done.stderr.strip()[-300:], fault


def copy_of_configuration(root: Path, destination: Path) -> Path:
    """A copy of what the loader reads."""
    for name in ("config", "workflow/schemas"):
        shutil.copytree(root / name, destination / name)
    return destination
