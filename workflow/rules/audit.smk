# The audit: every claim of every paper beside what was measured.


for paper in PAPERS.values():
    try:
        paper.check_all_read()
    except atlas_config.ConfigError as error:
        refuse(error)


use rule stage as audit_gather with:
    """Join the judged claims of all papers with their wording and lineage."""
    input:
        claims=[paper.claims() for paper in PAPERS.values()],
        papers=[local(f"{ROOT_RELATIVE}config/papers/{slug}.yaml") for slug in SLUGS],
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


use rule stage as audit_page with:
    """Write the audit as a page: totals, claims, figures, lineage."""
    input:
        claims=f"{AUDIT}/claims.json",
        figures=[figure for paper in PAPERS.values() for figure in paper.figures()],
        template=local(f"{ROOT_RELATIVE}workflow/report/audit.html"),
    output:
        page=report(
            f"{AUDIT}/index.html",
            caption=f"{ROOT}/workflow/report/audit.rst",
            category="Audit",
            labels={"figure": "Every claim beside what was measured", "claims": "all"},
        ),
    log:
        f"{AUDIT}/logs/page.log",
    benchmark:
        f"{AUDIT}/benchmarks/page.tsv"
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **audit_script("page"),


rule audit:
    """Every claim of every paper beside what was measured: page, JSON and CSV."""
    input:
        rules.audit_page.output,
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
