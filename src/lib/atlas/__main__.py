"""What can be asked of a run and of the working tree: `python -m lib.atlas VERB`, `python -m lib.atlas VERB --help`."""

import importlib
import sys
from argparse import ArgumentParser

VERBS = {
    "check": ("lib.atlas.evidence.check", "check every number against its stores, parameters and code"),
    "status": ("lib.atlas.evidence.status", "count what is done, stale, missing, failed and damaged"),
    "costs": ("lib.atlas.evidence.costs", "time and memory of each paper; rules that ask for too much or too little"),
    "compare": ("lib.atlas.evidence.compare", "compare two runs array by array"),
    "keep": ("lib.atlas.evidence.runs", "keep the verdicts and numbers of a run with the project"),
    "stability": ("lib.atlas.evidence.stability", "run papers under other root seeds, and say which verdicts turn"),
    "claims": ("lib.atlas.evidence.documents", "write the claims of a run into docs and the README"),
    "remake": ("lib.atlas.evidence.remake", "make one claim again from nothing, in a folder of its own"),
    "crate": ("lib.atlas.evidence.crate", "pack a run and its lineage as a Workflow Run RO-Crate"),
    "paper": ("lib.atlas.workflow.scaffold", "write the files of a new paper"),
    "archive": ("lib.atlas.evidence.archive", "pack one figure with what it takes to make it again"),
    "report": ("lib.atlas.evidence.report", "write Snakemake's report with the audit's pages into one zip"),
    "release": ("lib.atlas.evidence.release", "pack the tree and a run, to be checked elsewhere"),
    "codecheck": ("lib.atlas.evidence.codecheck", "draft the codecheck.yml of a paper"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; what it refuses is one line and exit status 1.

    Args:
        arguments: of the command line; those of this process by default.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = ArgumentParser(prog="python -m lib.atlas", description="Ask a run of Linear Atlas what it can prove.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, (module, text) in VERBS.items():
        inner = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".")
        if arguments[:1] == [verb]:  # only this verb's libraries are loaded
            importlib.import_module(module).arguments(inner)
    options = parser.parse_args(arguments)
    try:
        return importlib.import_module(VERBS[options.verb][0]).main(options)
    except (ValueError, OSError) as error:
        print(f"linear atlas: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
