# The audit: every claim of every paper beside what was measured.
from lib.atlas.names import document_name

for paper in PAPERS.values():
    try:
        paper.check_all_read()
    except atlas_config.ConfigError as error:
        refuse(error)


# the first page of `--report`
report: f"{ROOT}/workflow/report/run.rst"


TEMPLATES = [
    local(f"{ROOT_RELATIVE}workflow/report/pages/{name}")
    for name in ("base.html", "index.html", "claims.html", "figures.html", "paper.html", "style.css", "page.js")
]


# verdicts of this scale that are kept with the project
KEPT = sorted((ROOT / "docs" / document_name(config["scale"])).glob("*.md"))


use rule stage as audit_gather with:
    """Join the judged claims of all papers with their wording and lineage."""
    input:
        claims=[paper.claims() for paper in PAPERS.values()],
        papers=[local(f"{ROOT_RELATIVE}config/papers/{slug}.yaml") for slug in SLUGS],
        runs=[file for paper in PAPERS.values() for file in paper.kept_runs()],
    output:
        claims=f"{AUDIT}/claims.json",
    log:
        f"{AUDIT}/logs/gather.log",
    benchmark:
        f"{AUDIT}/benchmarks/gather.tsv"
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **audit_script("gather"),


use rule stage as audit_table with:
    """Write the audit as a table, one row per claim."""
    input:
        claims=f"{AUDIT}/claims.json",
    output:
        table=f"{AUDIT}/claims.csv",
    log:
        f"{AUDIT}/logs/table.log",
    benchmark:
        f"{AUDIT}/benchmarks/table.tsv"
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **audit_script("table"),


use rule stage as audit_index with:
    """Write the first page of the audit: headline, matrix of verdicts, failures, totals."""
    input:
        claims=f"{AUDIT}/claims.json",
        figures=[figure for paper in PAPERS.values() for figure in paper.figures()],
        templates=TEMPLATES,
        kept=[local(f"{ROOT_RELATIVE}{path.relative_to(ROOT)}") for path in KEPT],
    output:
        page=f"{AUDIT}/index.html",
    log:
        f"{AUDIT}/logs/index.log",
    benchmark:
        f"{AUDIT}/benchmarks/index.tsv"
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **audit_script("index"),


use rule stage as audit_search with:
    """Write the page of all claims in one table, to search and filter."""
    input:
        claims=f"{AUDIT}/claims.json",
        templates=TEMPLATES,
    output:
        page=f"{AUDIT}/claims.html",
    log:
        f"{AUDIT}/logs/search.log",
    benchmark:
        f"{AUDIT}/benchmarks/search.tsv"
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **audit_script("search"),


use rule stage as audit_gallery with:
    """Write the page of all figures as thumbnails."""
    input:
        claims=f"{AUDIT}/claims.json",
        figures=[figure for paper in PAPERS.values() for figure in paper.figures()],
        templates=TEMPLATES,
    output:
        page=f"{AUDIT}/figures.html",
    log:
        f"{AUDIT}/logs/gallery.log",
    benchmark:
        f"{AUDIT}/benchmarks/gallery.tsv"
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **audit_script("gallery"),


# a page is a second's work that waits for no other paper: it runs before other jobs, and beside Snakemake on a cluster
localrules:
    audit_paper,


use rule stage as audit_paper with:
    """Write the page of one paper, as soon as its claims and figures are there."""
    input:
        claims=f"{RESULTS}/{{slug}}/claims.json",
        spec=local(f"{ROOT_RELATIVE}config/papers/{{slug}}.yaml"),
        runs=lambda wildcards: PAPERS[wildcards.slug].kept_runs(),
        figures=lambda wildcards: PAPERS[wildcards.slug].figures(),
        templates=TEMPLATES,
    output:
        page=f"{AUDIT}/{{slug}}.html",
    log:
        f"{AUDIT}/logs/paper_{{slug}}.log",
    benchmark:
        f"{AUDIT}/benchmarks/paper_{{slug}}.tsv"
    wildcard_constraints:
        slug="|".join(SLUGS),
    priority: 200
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **audit_script("paper"),


rule audit:
    """Every claim of every paper beside what was measured: pages, JSON and CSV."""
    input:
        rules.audit_index.output,
        rules.audit_search.output,
        rules.audit_gallery.output,
        [f"{AUDIT}/{slug}.html" for slug in SLUGS],
        rules.audit_table.output,


if not internals.allowed_rules(sys.argv):
    lines = summaries.missing_table({slug: paper.missing_data() for slug, paper in PAPERS.items()}, config["scale"])
    print(*lines, sep="\n", end="\n" if lines else "", file=sys.stderr)


internals.write_plan(workflow.rules, PAPERS, config)


onsuccess:
    print(summaries.summary(AUDIT, PAPERS.values()), file=sys.stderr)


onerror:
    for reason, jobs in REFUSALS.items():
        print(f"linear atlas: the cluster refused {', '.join(jobs)}: {reason}", file=sys.stderr)
    print(*summaries.failures(FAILURES), sep="\n", file=sys.stderr)
