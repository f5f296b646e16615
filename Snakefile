# Linear Atlas: papers on linear structure, from generated data to figures and audited claims.
# `snakemake --list-rules` is the table of contents.


include: "workflow/rules/common.smk"
include: "workflow/rules/stages.smk"


# a rule file speaks of its paper as `paper`
for slug, paper in PAPERS.items():

    include: f"workflow/rules/{slug}.smk"


include: "workflow/rules/audit.smk"
include: "workflow/rules/groups.smk"


rule all:
    """Every figure, table and claim of every paper, and the audit."""
    default_target: True
    input:
        [paper.everything() for paper in PAPERS.values()],
        rules.audit.input,


try:
    internals.check_targets(workflow, sys.argv[1:])
except atlas_config.ConfigError as error:
    refuse(error)
