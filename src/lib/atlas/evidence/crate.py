"""The lineage of every figure, table and claim as a Workflow Run RO-Crate (https://w3id.org/ro/wfrun/workflow/0.5).

It is written in RO-Crate 1.1, which that profile and those that it extends (Process Run Crate 0.5, Workflow RO-Crate
1.0) ask for.

Run as `python -m lib.atlas crate results/laptop laptop.crate.zip`. The crate holds the results, the code that they
rest on and `ro-crate-metadata.json`: each stage is a `CreateAction` with its script as instrument, its inputs and
parameters as objects and its output as result; each claim is a schema.org `Claim`, and its verdict a `ClaimReview`.
"""

import hashlib
import io
import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rocrate.model import ContextEntity, SoftwareApplication
from rocrate.rocrate import ROCrate

from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.audit import quantity_text
from lib.atlas.evidence.state import DONE, State, states
from lib.atlas.job.claims import NOT_TESTED, REPRODUCED
from lib.atlas.names import ROOT
from lib.atlas.provenance import git_commit
from lib.atlas.workflow.config import load_yaml
from lib.atlas.workflow.fingerprint import PACKAGES, code_modules

README = """# Linear Atlas at {scale} scale

Figures, tables and claims of a run, with the stores, code and parameters that they rest on. `ro-crate-metadata.json`
says what was made from what: each stage is a `CreateAction`, each claim a `Claim` with a `ClaimReview`.
"""
VERSION = "1.1"  # of RO-Crate: the one that the profiles of runs 0.5 and of workflows 1.0 extend
PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
FORMATS = {
    ".zip": "application/zip",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".csv": "text/csv",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".toml": "application/toml",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
}
COMMON = ("LICENSE", "requirements.lock", "pyproject.toml", "config/config.yaml", "profiles/default/config.yaml")


def module_file(name: str, root: Path) -> Path:
    """The file of a module that `lib.atlas.workflow.fingerprint.code_modules` names, or of the script itself."""
    if name.split(".")[0] not in PACKAGES:
        return root / name
    base = (root if name.startswith("kernels") else root / "src") / Path(*name.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def code_of(scripts: list[Path], root: Path) -> list[Path]:
    """The scripts and every file of `lib` and `kernels` that they rest on."""
    return sorted({module_file(name, root) for script in scripts for name in code_modules(script, root)})


def workflow_files(slugs: list[str], root: Path) -> list[Path]:
    """Snakefile, rules, schemas, configuration and environment of some papers."""
    named = [root / name for name in COMMON]
    others = {file.stem for file in (root / "config/papers").glob("*.yaml")} - set(slugs)
    named += [file for file in sorted((root / "workflow/rules").glob("*.smk")) if file.stem not in others]
    named += [root / f"config/papers/{slug}.yaml" for slug in slugs]
    named += [root / f"workflow/schemas/papers/{slug}.yaml" for slug in slugs]
    named += [root / f"workflow/schemas/{name}.yaml" for name in ("config", "paper")]
    named += sorted((root / "workflow/report").rglob("*")) + sorted((root / "workflow/envs").iterdir())
    return [path for path in named if path.is_file()]


def _file_facts(path: Path) -> dict[str, str]:
    contents = path.read_bytes()
    return {
        "encodingFormat": FORMATS.get(path.suffix, "text/plain"),
        "sha256": hashlib.sha256(contents).hexdigest(),
        "contentSize": str(len(contents)),
    }


def _one_or_all(values: list):
    """A property of one value stands alone, as JSON-LD is compacted."""
    return values[0] if len(values) == 1 else values


def add_code(crate: ROCrate, file: Path, root: Path, version: str):
    """Add a file of the working tree, where it lies there.

    Args:
        crate: to add it to.
        file: below the root folder.
        root: the project's root folder.
        version: the commit.
    """
    place = file.relative_to(root).as_posix()
    code = {"@type": ["File", "SoftwareSourceCode"], "version": version} if file.suffix in (".py", ".smk") else {}
    return crate.add_file(file, place, properties={"name": place, **_file_facts(file), **code})


def _entity(crate: ROCrate, identifier: str, kind: str, **properties):
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _value(crate: ROCrate, identifier: str, name: str, value):
    text = value if isinstance(value, bool | int | float | str) else json.dumps(value, ensure_ascii=False)
    return _entity(crate, identifier, "PropertyValue", name=name, value=text)


def within(path: str, plan: dict) -> str:
    """Where a result lies in the crate: `results/<scale>/...`, wherever it lay before."""
    return "results/" + path.removeprefix(plan["results"]).lstrip("/")


def add_result(crate: ROCrate, file: Path, place: str, **properties):
    """Add a file of the results, to lie at `place`."""
    return crate.add_file(file, place, properties={"name": file.name, **_file_facts(file), **properties})


def add_text(crate: ROCrate, name: str, text: str) -> None:
    """Add a text file that describes the crate itself, such as its README."""
    properties = {"name": name, "encodingFormat": FORMATS[Path(name).suffix], "about": crate.root_dataset}
    crate.add_file(io.StringIO(text), name, properties=properties)


def expect_done(files: dict[str, State]) -> None:
    """Refuse results that are not what the working tree would make.

    Raises:
        ValueError: a file is not done; one that is the cause is named before its consequences.
    """
    bad = {path: state for path, state in files.items() if state.kind != DONE}
    for path, state in sorted(bad.items(), key=lambda item: all("which is" in reason for reason in item[1].reasons)):
        raise ValueError(f"{path}: {state.kind}: {'; '.join(state.reasons)}; make it first")


def build(
    plan: dict, files: dict[str, State], folder: Path, root: Path, name: str, places: dict[str, str] | None = None
) -> ROCrate:
    """The crate of some files and of everything that they rest on.

    Args:
        plan: of the working tree.
        files: states of the files (`lib.atlas.evidence.state.states`); all are done.
        folder: what the plan's paths are relative to.
        root: the project's root folder.
        name: title of the crate.
        places: where some of the files lie in the crate; by default each lies where `within` says.

    Raises:
        ValueError: a file is not done.
    """
    places = {path: within(path, plan) for path in files} | (places or {})
    expect_done(files)
    crate = ROCrate(version=VERSION)
    crate.name = name
    crate.description = "Figures, tables and claims, with the data, code and parameters that each rests on."
    crate.license = _entity(
        crate, "https://spdx.org/licenses/MIT", "CreativeWork", name="MIT License", description="The code's license."
    )
    contributors = _entity(crate, "#contributors", "Organization", name="The Linear Atlas contributors")
    crate.root_dataset["author"] = crate.root_dataset["publisher"] = contributors
    crate.root_dataset["conformsTo"] = [
        _entity(crate, profile, "CreativeWork", name=profile.split("/ro/")[-1], version=profile.split("/")[-1])
        for profile in PROFILES
    ]
    crate.metadata.extra_contexts.append(TERMS)
    slugs = [slug for slug, p in plan["papers"].items() if any(path.startswith(p["folder"] + "/") for path in files)]
    workflow = crate.add_workflow(root / "Snakefile", "Snakefile", main=True, lang="snakemake", gen_cwl=False)
    commit = git_commit(root)
    workflow["name"] = "Linear Atlas"
    for key, value in {"version": commit, **_file_facts(root / "Snakefile")}.items():
        workflow[key] = value
    makers = {path: plans.maker(plan, path)[0] for path in files}
    scripts = {path: plans.script(plan, rule, root) for path, rule in makers.items()}
    code = [*workflow_files(slugs, root), *code_of(sorted(set(scripts.values())), root)]
    sources = {file: add_code(crate, file, root, commit) for file in code}
    results = {}
    for path, state in files.items():
        digest = {"identifier": state.record["digest"]} if "digest" in state.record else {}
        results[path] = add_result(crate, folder / path, places[path], **digest)
    for path, state in files.items():
        inputs = [results[one] for several in state.inputs.values() for one in several]
        facts = {
            **state.record.get("parameters", {}),
            **{f"wildcard {k}": v for k, v in state.record.get("wildcards", {}).items()},
        }
        facts |= {
            key: state.record[key]
            for key in ("code", "commit", "root_seed", "device", "threads")
            if key in state.record
        }
        place = places[path]
        values = [_value(crate, f"#{place}/{key}".replace(" ", "-"), key, value) for key, value in facts.items()]
        programs = [
            crate.add(
                SoftwareApplication(crate, f"#{library}-{version}", {"name": library, "softwareVersion": version})
            )
            for library, version in state.record.get("libraries", {}).items()
        ]
        action = crate.add_action(
            sources[scripts[path]], identifier=f"#make-{place}", object=_one_or_all([*inputs, *values]),
            result=results[path],
            properties={"@type": "CreateAction", "name": makers[path],
                        "description": plan["rules"][makers[path]]["docstring"] or makers[path],
                        "actionStatus": "http://schema.org/CompletedActionStatus",
                        **({"softwareRequirements": _one_or_all(programs)} if programs else {})},
        )  # fmt: skip
        crate.root_dataset.append_to("mentions", action)
    products = [r for path, r in results.items() if Path(path).suffix != ".zip"]
    run = crate.add_action(
        workflow, identifier="#run", object=[sources[file] for file in workflow_files(slugs, root)],
        result=_one_or_all(products),
        properties={"@type": "CreateAction", "name": f"snakemake at scale {plan['scale']}",
                    "description": "The run of the workflow that made these figures, tables and claims.",
                    "actionStatus": "http://schema.org/CompletedActionStatus"},
    )  # fmt: skip
    crate.root_dataset.append_to("mentions", run)
    for slug in slugs:
        _claims(crate, slug, plan, files, results, folder, root)
    return crate


def _claims(crate: ROCrate, slug: str, plan: dict, files: dict, results: dict, folder: Path, root: Path) -> None:
    """Add a paper's claims, and the review of each, when its claims are among the files."""
    spec = load_yaml(root / f"config/papers/{slug}.yaml")
    about = spec["paper"]
    people = [_entity(crate, f"#person-{name}".replace(" ", "-"), "Person", name=name) for name in about["authors"]]
    article = _entity(
        crate, f"https://arxiv.org/abs/{about['arxiv']}", "ScholarlyArticle",
        name=about["title"], author=_one_or_all(people), datePublished=str(about["year"]),
    )  # fmt: skip
    path = plan["papers"][slug]["claims"]
    if path not in files:
        return
    words = {entry["id"]: entry for entry in spec["claims"]}
    for entry in json.loads((folder / path).read_text(encoding="utf-8"))["claims"]:
        name = f"{slug}/{entry['id']}"
        facts = words[entry["id"]]
        claim = _entity(crate, f"#claim/{name}", "Claim", name=entry["id"], text=facts["statement"], appearance=article)
        rests_on = [results[one] for key in entry["rests_on"] for one in files[path].inputs.get(key, [])]
        values = [
            _value(crate, f"#measured/{name}/{key}", key, ", ".join(quantity_text(quantity)))
            for key, quantity in entry["quantities"].items()
        ]
        rating = {} if entry["verdict"] == NOT_TESTED else {"ratingValue": int(entry["verdict"] == REPRODUCED)}
        _entity(
            crate, f"#review/{name}", "ClaimReview", claimReviewed=facts["statement"], itemReviewed=claim,
            reviewRating=_entity(
                crate, f"#rating/{name}", "Rating",
                alternateName=entry["verdict"], bestRating=1, worstRating=0, **rating,
            ),
            reviewBody="; ".join(check["rule"] for check in entry["pass"]),
            isBasedOn=_one_or_all([results[path], *rests_on]),
            **({"mentions": _one_or_all(values)} if values else {}),
        )  # fmt: skip


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas crate`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("crate", type=Path, help="the crate: a folder, or a file ending in .zip")


def main(options: Namespace) -> int:
    """Write the crate; return the exit status."""
    plan, folder = plans.of_results(options.results, ROOT)
    products = [path for paper in plan["papers"].values() for path in (*paper["figures"], paper["claims"])]
    files = states(plan, products, folder, deep=False)
    crate = build(plan, files, folder, ROOT, f"Linear Atlas at {plan['scale']} scale")
    add_text(crate, "README.md", README.format(scale=plan["scale"]))
    options.crate.parent.mkdir(parents=True, exist_ok=True)
    (crate.write_zip if options.crate.suffix == ".zip" else crate.write)(options.crate)
    print(f"{options.crate}: {len(files)} results, {len(list(crate.get_entities()))} entities")
    return 0
