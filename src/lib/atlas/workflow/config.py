"""Reading and checking the configuration: one line for each mistake, before any job runs."""

import difflib
import json
import math
import re
from collections.abc import Iterable
from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml

from lib.atlas import prose
from lib.atlas.names import SCALES as SCALES
from lib.atlas.workflow.memory import digest, memory

LARGEST_INTEGER = 2**63 - 1
MOST_VALUES = 100_000
SLUG, LONGEST_SLUG = r"[a-z][a-z0-9]*(_[a-z0-9]+)*", 60  # it begins the name of each rule
LONGEST_NAME = 255  # letters of a file or folder, on every common file system
CONFIG = "config/config.yaml (with --config and --configfile)"


class ConfigError(ValueError):
    """A configuration that is refused; the message names the file, the key, what came and what was expected."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML that refuses a key given twice."""

    def construct_mapping(self, node, deep=False):
        merge = "tag:yaml.org,2002:merge"
        keys = [None if key.tag == merge else self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key is not None and key in keys[:index]:
                mark = node.value[index][0].start_mark
                raise ConfigError(f"line {mark.line + 1}: key {key!r}: given twice, expected once")
        return super().construct_mapping(node, deep)


def load_yaml(file: Path, label: str | None = None):
    """Parse a YAML file.

    Raises:
        ConfigError: the file is missing, is not YAML, or gives a key twice.
    """
    label = label or file.as_posix()
    try:
        return yaml.load(file.read_bytes(), _Loader)
    except FileNotFoundError:
        raise ConfigError(f"{label}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{label}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise ConfigError(f"{label}: nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{label}: not UTF-8 text: {error.reason} at byte {error.start}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
        raise ConfigError(f"{label}: {where}not valid YAML: {problem}") from None
    except (ConfigError, TypeError, ValueError) as error:
        raise ConfigError(f"{label}: {error}") from None


def hint(name: str, known: Iterable[str]) -> str:
    """A question after the closest of the names that are known; empty where none is close."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else ""


_TYPES = {dict: "mapping", list: "list", str: "text", bool: "true/false", int: "integer", float: "number"}
_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "null": "nothing",
}


def _came(value) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = text if len(text) <= 60 else text[:57] + "..."
    kind = "nothing" if value is None else _TYPES.get(type(value), type(value).__name__)
    return f"{text} ({kind})" if value is not None else "nothing"


def _type_name(kind) -> str:
    kinds = [kind] if isinstance(kind, str) else kind
    return " or ".join(_NAMES.get(k, {"integer": "an integer", "number": "a number"}.get(k, k)) for k in kinds)


def _expected(error) -> str:
    """What a JSON schema asked for, in words."""
    rule, limit, schema = error.validator, error.validator_value, error.schema
    words = {
        "minimum": f"at least {limit}",
        "maximum": f"at most {limit}",
        "exclusiveMinimum": f"more than {limit}",
        "exclusiveMaximum": f"less than {limit}",
        "minItems": f"a list of at least {limit} item(s)",
        "maxItems": f"a list of at most {limit} item(s)",
        "minLength": "text that is not empty" if limit == 1 else f"text of at least {limit} characters",
        "pattern": schema.get("description", f"text like {limit}"),
        "uniqueItems": "a list without repeats",
        "minProperties": f"at least {limit} key(s)",
        "maxProperties": f"at most {limit} key(s)",
        "multipleOf": f"a multiple of {limit}",
    }
    if rule == "type":
        hint = ""
        if isinstance(error.instance, str) and ("number" in limit or "integer" in limit):
            try:
                hint = (
                    f" (YAML wants it written {float(error.instance)!r})"
                    if math.isfinite(float(error.instance))
                    else ""
                )
            except ValueError:
                hint = ""
        return _type_name(limit) + hint
    if rule == "enum":
        return "one of " + ", ".join(map(str, limit))
    if rule == "const":
        return str(limit)
    if rule in words:
        return words[rule]
    return schema.get("description", f"what the schema's {rule!r} allows")


def describe(error, prefix: str = "") -> str:
    """One line from a jsonschema error: key, what came, what was expected."""
    if error.validator in ("anyOf", "oneOf") and error.context:
        deepest = max(error.context, key=lambda e: len(e.absolute_path))
        if len(deepest.absolute_path) > len(error.absolute_path):
            return describe(deepest, prefix)
        options = " or ".join(dict.fromkeys(_expected(e) for e in error.context))
        key = prefix + ".".join(map(str, error.absolute_path)) or "(top level)"
        return f"{key}: got {_came(error.instance)}, expected {options}"
    path = [*([prefix.rstrip(".")] if prefix else []), *map(str, error.absolute_path)]
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = [key for key in error.instance if key not in known]
        key = ".".join([*path, str(unknown[0])])
        expected = ", ".join(known) or "no keys at all"
        return f"{key}: got an unknown key, expected one of {expected}{hint(str(unknown[0]), known)}"
    if error.validator == "propertyNames":
        return f"{'.'.join(path) or '(top level)'}: got the key {error.instance!r}, expected {_expected(error)}"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        schema = error.schema.get("properties", {}).get(missing, {})
        kind = _type_name(schema["type"]) if "type" in schema else "a value"
        meaning = f": {schema['description']}" if "description" in schema else ""
        return f"{'.'.join([*path, missing])}: got nothing, expected {kind}{meaning}"
    return f"{'.'.join(path) or '(top level)'}: got {_came(error.instance)}, expected {_expected(error)}"


@cache
def _validator(schema: Path):
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_yaml(schema))


def check_schema(schema: Path) -> None:
    """Check that a schema is one; the tests do it for each, since it takes longer than to use them all.

    Raises:
        ConfigError: one line that names the file and the key.
    """
    from jsonschema import SchemaError

    try:
        validator = _validator(schema)
        validator.check_schema(validator.schema)
    except SchemaError as error:
        raise ConfigError(f"{schema.as_posix()}: not a JSON schema: {describe(error)}") from None


def validate(value, schema: Path, label: str, prefix: str = "") -> None:
    """Check a value against a JSON schema.

    Args:
        value: parsed YAML.
        schema: file of the schema.
        label: name of the user's file, for the message.
        prefix: key under which the value stands in that file.

    Raises:
        ConfigError: one line for the first mistake, in the order of the keys.
    """
    _check_values(value, label, prefix)
    try:
        errors = sorted(_validator(schema).iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
    except Exception:  # the schema itself is at fault
        check_schema(schema)
        raise
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise ConfigError(f"{label}: {describe(errors[0], prefix)}{more}")


def _check_values(value, label: str, prefix: str) -> None:
    """Refuse what no schema of ours allows and YAML can say: nan, infinity, integers beyond 64 bits, alias bombs."""
    waiting, count = [(prefix, value)], 0
    while waiting:
        key, item = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise ConfigError(f"{label}: got more than {MOST_VALUES} values, expected fewer (aliases within aliases?)")
        if isinstance(item, dict):
            waiting += [(f"{key}.{name}".lstrip("."), inner) for name, inner in item.items()]
        elif isinstance(item, list):
            waiting += [(f"{key}.{index}".lstrip("."), inner) for index, inner in enumerate(item)]
        elif isinstance(item, float) and not math.isfinite(item):
            raise ConfigError(f"{label}: {key}: got {item}, expected a finite number")
        elif isinstance(item, int) and abs(item) > LARGEST_INTEGER:
            raise ConfigError(f"{label}: {key}: got {_came(item)}, expected an integer of at most 64 bits")


def overlay(base: dict, difference: dict, label: str, prefix: str) -> dict:
    """Apply a scale's differences: mappings key by key, everything else replaced; a key must exist in `base`.

    Raises:
        ConfigError: a key that the base does not have.
    """
    merged = dict(base)
    for key, value in difference.items():
        if key not in base:
            raise ConfigError(
                f"{label}: {prefix}.{key}: got a key that laptop does not have, "
                f"expected one of {', '.join(sorted(map(str, base)))}{hint(str(key), map(str, base))}"
            )
        if isinstance(base[key], dict) and isinstance(value, dict):
            merged[key] = overlay(base[key], value, label, f"{prefix}.{key}")
        else:
            merged[key] = value
    return merged


def parameters_at(spec: dict, scale: str, label: str) -> dict:
    """A paper's parameters at one scale: those of `laptop` with that scale's differences."""
    base = deepcopy(spec["parameters"]["laptop"])
    difference = spec["parameters"].get(scale) or {}
    return base if scale == "laptop" else overlay(base, difference, label, f"parameters.{scale}")


def load_paper(slug: str, root: Path, scale: str) -> dict:
    """A paper's file, checked, with its parameters at the scale.

    Args:
        slug: name of the paper; the file is `config/papers/<slug>.yaml`.
        root: the project's root folder.
        scale: one of `SCALES`.

    Returns:
        The parsed file; `parameters` holds the merged parameters of the scale.

    Raises:
        ConfigError: one line that names the file, the key, what came and what was expected.
    """
    check_slug(slug)
    files = [root / f"config/papers/{slug}.yaml", root / "workflow/schemas/paper.yaml"]
    files += [root / f"workflow/schemas/papers/{slug}.yaml", Path(__file__), Path(prose.__file__)]
    try:
        entry = digest(scale.encode(), *(file.read_bytes() for file in files))
    except OSError:
        return _load_paper(slug, root, scale)  # which says what is missing
    papers = memory(root / f".cache/papers-{scale}.json")
    spec = papers.known.get(entry) or _load_paper(slug, root, scale)
    if json.loads(json.dumps(spec, default=str)) == spec:
        papers.used[entry] = spec
    return deepcopy(spec)


def _load_paper(slug: str, root: Path, scale: str) -> dict:
    """As `load_paper`, from the files."""
    label = f"config/papers/{slug}.yaml"
    spec = load_yaml(root / label, label)
    validate(spec, root / "workflow/schemas/paper.yaml", label)
    seen: set[str] = set()
    for index, entry in enumerate(spec["claims"]):
        if entry["id"] in seen:
            raise ConfigError(f"{label}: claims.{index}.id: got {entry['id']} a second time, expected it once")
        seen.add(entry["id"])
    for name, entry in spec["figures"].items():
        for claim in entry["claims"]:
            if claim not in seen:
                raise ConfigError(
                    f"{label}: figures.{name}.claims: got {claim}, expected ids of claims: {', '.join(sorted(seen))}"
                )
    try:
        prose.check(spec, label)
    except prose.ProseError as error:
        raise ConfigError(str(error)) from None
    merged = parameters_at(spec, scale, label)
    validate(merged, root / f"workflow/schemas/papers/{slug}.yaml", label, f"parameters.{scale}")
    return {**spec, "parameters": merged}


def check_slug(slug: str) -> None:
    """Refuse a file of a paper whose name no rule could begin with.

    Raises:
        ConfigError: one line that names the file.
    """
    if not re.fullmatch(SLUG, slug) or len(slug) > LONGEST_SLUG:
        raise ConfigError(
            f"config/papers/{slug}.yaml: got {slug[:80]!r} as a paper's name, expected lower-case letters, digits and "
            f"single underscores, a letter first, at most {LONGEST_SLUG} of them"
        )


def check_file(file: Path) -> None:
    """Check that a configuration file is a YAML mapping without repeated keys, before Snakemake reads it.

    Raises:
        ConfigError: one line that names the file, the line or key, and what was expected.
    """
    content = load_yaml(file)
    if not isinstance(content, dict):
        raise ConfigError(f"{file.as_posix()}: (top level): got {_came(content)}, expected a mapping")


def load_config(config: dict, root: Path) -> dict:
    """Check the main configuration, as Snakemake merged it from files and command line.

    Raises:
        ConfigError: one line that names the key, what came and what was expected.
    """
    validate(config, root / "workflow/schemas/config.yaml", CONFIG)
    for key, path in {
        "results": config["results"],
        **{f"data.{key}": path for key, path in config["data"].items()},
    }.items():
        longest = max(len(part.encode()) for part in str(path).split("/"))
        if longest > LONGEST_NAME:
            raise ConfigError(f"{CONFIG}: {key}: got a name of {longest} bytes, expected at most {LONGEST_NAME}")
    config["data"] = {key: str(Path(path).expanduser()) for key, path in config["data"].items()}
    return config


def check_data(data: dict[str, str], specs: dict[str, dict]) -> None:
    """Refuse keys under `data:` that no paper asks for.

    Args:
        data: of the main configuration.
        specs: the files of all papers.

    Raises:
        ConfigError: the first such key, with the closest one that exists.
    """
    known = sorted({key for spec in specs.values() for key in spec.get("data", {})})
    for key in data:
        if key not in known:
            raise ConfigError(
                f"{CONFIG}: data.{key}: got an unknown key, expected one of {', '.join(known)}{hint(key, known)}"
            )
