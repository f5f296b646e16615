# Templates: what the rules of all papers share. A paper's rule is `use rule stage as <slug>_<verb> with:` and says
# what is its own: inputs, its one output, log and benchmark, parameters with `**paper.script(...)`, and where they
# differ threads, priority and resources. `script` names both the file that runs and the code that is fingerprinted.


rule stage:
    """Template of a rule that makes a store; not a target."""
    log:
        "logs/stage.log",
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        script=lambda wildcards: refuse("a template is not a target, expected a rule of a paper"),
    script:
        "../scripts/{params.script}.py"


use rule stage as figure with:
    """Template of a rule that draws a figure; not a target."""
    resources:
        mem_mb=mem(1000),
        runtime=minutes(2),


use rule figure as table with:
    """Template of a rule that writes a table; not a target."""
    log:
        "logs/table.log",


use rule stage as claims with:
    """Template of a rule that measures and judges the claims of a paper; not a target."""
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
