"""What a paper's rule file asks for: paths, parameters, fingerprints and report entries of one paper."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from lib.atlas import prose
from lib.atlas.names import KEPT_RUNS, NOT_SUPPLIED, SCALES, SUFFIX
from lib.atlas.workflow.config import ConfigError
from lib.atlas.workflow.fingerprint import code_fingerprint, function_fingerprints


def script(path: str, root: Path) -> dict[str, str]:
    """Params `script` and `code` of a rule: what runs (`workflow/scripts/<path>.py`), and its fingerprint."""
    return {"script": path, "code": code_fingerprint(root / f"workflow/scripts/{path}.py", root)}


def _picture(figure: str) -> str:
    """Path of the PNG beside a figure."""
    return figure.removesuffix(".svg") + ".png"


class Paper:
    """One paper at the scale of this run.

    Args:
        slug: name of the paper.
        spec: its checked file (`lib.atlas.workflow.config.load_paper`).
        config: the checked main configuration.
        root: the project's root folder.
        report: Snakemake's `report` flag, which puts an output into the report.
        local: Snakemake's `local` flag, which keeps a file on this file system where results live in a storage.
        trace: what files rest on (`lib.atlas.workflow.internals.Trace`).
    """

    def __init__(self, slug: str, spec: dict, config: dict, root: Path, report: Callable, local: Callable, trace):
        self.slug = slug
        self.spec = spec
        self.root = root
        self.root_seed: int = config["root_seed"]
        self.folder = f"{config['results']}/{config['scale']}/{slug}"
        self._data = config["data"]
        self._scale = config["scale"]
        self._report = report
        self._local = local
        self._trace = trace
        self._needs: dict[str, list[str]] = {}
        self._read: set[str] = set()
        archive = root / "archive.json"  # written by lib.atlas.evidence.archive, for one figure
        self._left_out = json.loads(archive.read_text(encoding="utf-8"))["left_out"] if archive.exists() else []

    def store(self, name: str) -> str:
        """Path of a store; the name may hold wildcards and folders."""
        return f"{self.folder}/{name}{SUFFIX}"

    def stores(self, *names: str) -> dict[str, str]:
        """Paths of stores by their names, as the inputs of a rule."""
        return {name: self.store(name) for name in names}

    def log(self, name: str) -> str:
        """Path of a stage's log."""
        return f"{self.folder}/logs/{name}.log"

    def benchmark(self, name: str) -> str:
        """Path of Snakemake's record of a stage's time and memory."""
        return f"{self.folder}/benchmarks/{name}.tsv"

    def _entry(self, name: str, table: bool) -> dict:
        figures = self.spec["figures"]
        if name not in figures or (figures[name].get("kind", "figure") == "table") != table:
            kind = "table" if table else "figure"
            raise ConfigError(f"config/papers/{self.slug}.yaml: figures.{name}: got nothing, expected a {kind}")
        return figures[name]

    def _path(self, name: str) -> str:
        table = self.spec["figures"][name].get("kind") == "table"
        return f"{self.folder}/tables/{name}.csv" if table else f"{self.folder}/figures/{name}.svg"

    def _flagged(self, name: str, table: bool):
        entry = self._entry(name, table)
        return self._report(
            self._path(name),
            caption=f"{self.root}/workflow/report/figure.rst",
            category=self.spec["paper"]["title"],
            subcategory="Tables" if table else "Figures",
            labels={"figure": entry["title"], "claims": ", ".join(entry["claims"]) or "none"},
        )

    def captions(self, measured: bool) -> dict[str, dict]:
        """Figures and tables of the paper's file, as the report shows them.

        Args:
            measured: fill the captions from the claims that are on disk; otherwise numbers are said to be missing yet.

        Raises:
            ProseError: a caption names a quantity that was not measured.
        """
        file = Path(self.claims())
        claims = json.loads(file.read_text(encoding="utf-8"))["claims"] if measured and file.exists() else []
        return prose.filled(self.spec, claims, self._scale, f"config/papers/{self.slug}.yaml")["figures"]

    def figure(self, name: str) -> list:
        """Output of a figure rule: the SVG, entered into the report, and the PNG beside it."""
        return [self._flagged(name, table=False), _picture(self._path(name))]

    def table(self, name: str):
        """Output of a table rule, entered into the report."""
        return self._flagged(name, table=True)

    def claims(self) -> str:
        """Path of the paper's measured and judged claims."""
        return f"{self.folder}/claims.json"

    def kept_runs(self) -> list[str]:
        """Files of the runs of this paper that are kept with the project, at every scale."""
        here = os.path.relpath(self.root)
        files = [f"{KEPT_RUNS}/{scale}/{self.slug}.json" for scale in SCALES]
        return [self._local(os.path.normpath(f"{here}/{file}")) for file in files if (self.root / file).exists()]

    def pass_rules(self) -> list[dict]:
        """Ids, smallest scales, pass rules and gates of the claims: what the verdicts rest on, and no wording."""
        keys = ("id", "scale", "pass", "gate")
        return [{key: entry[key] for key in keys if key in entry} for entry in self.spec["claims"]]

    def figures(self) -> list[str]:
        """Paths of all figures and tables that can be made: those that rest on missing data cannot."""
        paths = [self._path(name) for name in self.spec["figures"]]
        return [path for path in paths if not self._trace.lacking(path)]

    def everything(self) -> list[str]:
        """All figures with their PNGs, all tables, the claims, and all stores on which they rest."""
        figures = self.figures()
        pictures = [_picture(path) for path in figures if path.endswith(".svg")]
        return self._trace.beneath([*figures, *pictures, self.claims()])

    def available(self, **inputs: str | list[str]) -> dict[str, str | list[str]]:
        """Inputs of the claims rule, without those that rest on missing data; `judging` names these."""
        present = {}
        for name, entry in inputs.items():
            paths = [entry] if isinstance(entry, str) else entry
            keys = sorted({key for path in paths for key in self._trace.lacking(path)})
            if keys:
                self._needs[name] = keys
            else:
                present[name] = entry
        return present

    def judging(self) -> dict:
        """Params of the claims rule: pass rules, fingerprints of the claims' functions, and missing data.

        The data are those behind inputs that `available` left out.
        """
        file = f"workflow/scripts/{self.slug}/claims.py"
        functions = {} if file in self._left_out else function_fingerprints(self.root / file, self.root)
        claims = {entry["id"]: functions[entry["id"]] for entry in self.spec["claims"] if entry["id"] in functions}
        needs = {"needs": self._needs} if self._needs else {}
        return {"pass_rules": self.pass_rules(), "claim_functions": claims, **needs}

    def missing_data(self) -> dict[str, dict]:
        """Data sets and checkpoints that this scale asks for and nobody supplied, with their descriptions."""
        paths = [*(self._path(name) for name in self.spec["figures"]), self.claims()]
        keys = {key for path in paths for key in self._trace.lacking(path)}.union(*self._needs.values())
        return {key: self.spec["data"][key] for key in sorted(keys)}

    def params(self, section: str, *keys: str) -> dict:
        """Parameters of a section at this scale; all of them, or those named.

        Raises:
            ConfigError: the paper's file has no such section or key.
        """
        values = self.spec["parameters"].get(section)
        if values is None:
            raise ConfigError(f"config/papers/{self.slug}.yaml: parameters.laptop.{section}: got nothing, expected it")
        for key in keys:
            if key not in values:
                where = f"parameters.laptop.{section}.{key}"
                raise ConfigError(f"config/papers/{self.slug}.yaml: {where}: got nothing, expected it")
        self._read.update(f"{section}.{key}" for key in keys or values)
        return {key: values[key] for key in keys or sorted(values)}

    def value(self, section: str, key: str):
        """One parameter at this scale."""
        return self.params(section, key)[key]

    def check_all_read(self) -> None:
        """Refuse a parameter that no rule reads.

        Raises:
            ConfigError: the first such key.
        """
        for section, values in self.spec["parameters"].items():
            for key in values:
                if f"{section}.{key}" not in self._read:
                    raise ConfigError(
                        f"config/papers/{self.slug}.yaml: parameters.{section}.{key}: "
                        f"got a key that no rule of workflow/rules/{self.slug}.smk reads, expected only such keys"
                    )

    def script(self, name: str) -> dict[str, str]:
        """Params `script` and `code` of a rule: which script of the paper runs, and the fingerprint of its code.

        Args:
            name: of `workflow/scripts/<slug>/<name>.py`; `code` is empty where an archive left that file out.
        """
        path = f"{self.slug}/{name}"
        if f"workflow/scripts/{path}.py" in self._left_out:
            return {"script": path, "code": ""}
        return script(path, self.root)

    def data(self, key: str) -> str:
        """Path of a data set or checkpoint that the user supplies under `data:` of the configuration.

        Where it is missing, a path that does not exist and says so: a run leaves out what rests on it, and Snakemake
        names it when a target needs it.

        Raises:
            ConfigError: the paper's file does not describe this key.
        """
        if key not in self.spec.get("data", {}):
            raise ConfigError(f"config/papers/{self.slug}.yaml: data.{key}: got nothing, expected it")
        place = self._data.get(key)
        return self._local(place) if place and Path(place).exists() else f"{NOT_SUPPLIED}{key}"
