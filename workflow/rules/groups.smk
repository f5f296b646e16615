# Jobs that travel together on a cluster. Starting a job takes longer than most stages do, so the figures and tables of a
# paper are one job, the audit is another, and at smoke scale a paper is one job from its data to its claims.

internals.name_groups()

for slug, paper in PAPERS.items():
    if config["scale"] == "smoke":
        own = [rule for rule in workflow.rules if Path(rule.snakefile).stem == slug]
        internals.travel_together(workflow, slug, [rule.name for rule in own if not rule.norun])
    else:
        figures = [f"{slug}_{figure}" for figure in paper.spec["figures"]]
        internals.travel_together(workflow, f"{slug}_figures", figures)
# somebody who types `make` has a page to read within minutes: a paper of seconds runs before the long jobs of the others
internals.run_first(workflow, "compositional_partial_correlations", priority=150)
internals.travel_together(
    workflow, "audit", ["audit_gather", "audit_table", "audit_index", "audit_search", "audit_gallery"]
)
