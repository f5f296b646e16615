# Jobs that travel together on a cluster. Starting one costs more than many a stage takes, so the figures and tables of a
# paper are one job, the audit is another, and at smoke scale a paper is one job from its data to its claims.

# Slurm's plugin names a folder after a group and five of its rules, and one of more than 255 letters cannot be made
MOST_LETTERS = 230


def travel_together(group, names):
    """Make the rules one job where the profile groups (`group-components`), unless their names together are too long."""

    def grouped(wildcards):
        return group if workflow.group_settings.group_components else None

    if len(group) + sum(sorted(map(len, names))[-5:]) < MOST_LETTERS:
        for name in names:
            workflow.get_rule(name).group = grouped


for slug, paper in PAPERS.items():
    if config["scale"] == "smoke":
        own = [rule for rule in workflow.rules if Path(rule.snakefile).stem == slug]
        travel_together(slug, [rule.name for rule in own if not rule.norun])
    else:
        travel_together(f"{slug}_figures", [f"{slug}_{figure}" for figure in paper.spec["figures"]])
travel_together("audit", ["audit_gather", "audit_table", "audit_page"])
