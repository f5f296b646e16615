# Light-A-Video: two small diffusion models, relit clips of known light, measures, figures; and real videos at paper scale.
LAV = Paper("light_a_video")


rule light_a_video_render_scenes:
    """Render the test clips with albedo, normals, motion, light and truth."""
    output:
        store=LAV.store("scenes"),
    log:
        LAV.log("scenes"),
    benchmark:
        LAV.benchmark("scenes")
    priority: 100
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        **LAV.params("scenes"),
        root_seed=LAV.root_seed,
        code=LAV.code("render_scenes"),
    script:
        "../scripts/light_a_video/render_scenes.py"


for lav_network, lav_priority in {"relighter": 80, "unet": 60}.items():

    rule:
        """Train an image relighter on random lit scenes."""
        name:
            f"light_a_video_train_{lav_network}"
        output:
            store=LAV.store(lav_network),
        log:
            LAV.log(lav_network),
        benchmark:
            LAV.benchmark(lav_network)
        priority: lav_priority
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(2000),
            runtime=minutes(120),
        params:
            **LAV.params(lav_network),
            **LAV.params("scenes", "size", "frames"),
            root_seed=LAV.root_seed,
            code=LAV.code("train_relighter"),
        script:
            "../scripts/light_a_video/train_relighter.py"


rule light_a_video_train_vdm:
    """Train the video diffusion model on clips under a steady light."""
    output:
        store=LAV.store("vdm"),
    log:
        LAV.log("vdm"),
    benchmark:
        LAV.benchmark("vdm")
    priority: 100
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(240),
    params:
        **LAV.params("vdm"),
        **LAV.params("scenes", "size", "frames"),
        root_seed=LAV.root_seed,
        code=LAV.code("train_vdm"),
    script:
        "../scripts/light_a_video/train_vdm.py"


rule light_a_video_measure_gate:
    """Measure how well the video model keeps clips that are already right."""
    input:
        scenes=LAV.store("scenes"),
        vdm=LAV.store("vdm"),
    output:
        store=LAV.store("gate"),
    log:
        LAV.log("gate"),
    benchmark:
        LAV.benchmark("gate")
    priority: 90
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(20),
    params:
        **LAV.params("gate"),
        **LAV.params("sampling", "steps", "strength"),
        root_seed=LAV.root_seed,
        code=LAV.code("measure_gate"),
    script:
        "../scripts/light_a_video/measure_gate.py"


# Sets of methods; a set that needs the video model waits for it. Longest first.
LAV_RUNS = {"ddim": (70, True), "more": (65, True), "euler": (60, True), "frames": (40, False), "unet": (30, False)}

for lav_run, (lav_priority, lav_video_model) in LAV_RUNS.items():

    rule:
        """Relight the test clips by a set of methods."""
        name:
            f"light_a_video_relight_{lav_run}"
        input:
            **({"vdm": LAV.store("vdm")} if lav_video_model else {}),
            scenes=LAV.store("scenes"),
            relighter=LAV.store("unet" if lav_run == "unet" else "relighter"),
        output:
            store=LAV.store(f"run_{lav_run}"),
        log:
            LAV.log(f"run_{lav_run}"),
        benchmark:
            LAV.benchmark(f"run_{lav_run}")
        priority: lav_priority
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(2000),
            runtime=minutes(60),
        params:
            **LAV.params(f"run_{lav_run}"),
            **LAV.params("sampling"),
            root_seed=LAV.root_seed,
            code=LAV.code("relight_clips"),
        script:
            "../scripts/light_a_video/relight_clips.py"


rule light_a_video_measure_videos:
    """Measure all relit videos against the known light, geometry and motion."""
    input:
        scenes=LAV.store("scenes"),
        runs=[LAV.store(f"run_{run}") for run in LAV_RUNS],
    output:
        store=LAV.store("measures"),
    log:
        LAV.log("measures"),
    benchmark:
        LAV.benchmark("measures")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    params:
        **LAV.params("videos"),
        code=LAV.code("measure_videos"),
    script:
        "../scripts/light_a_video/measure_videos.py"


rule light_a_video_measure_transport:
    """Compare blends of renders with renders under the blended light."""
    output:
        store=LAV.store("transport"),
    log:
        LAV.log("transport"),
    benchmark:
        LAV.benchmark("transport")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **LAV.params("transport"),
        root_seed=LAV.root_seed,
        code=LAV.code("measure_transport"),
    script:
        "../scripts/light_a_video/measure_transport.py"


# Published checkpoints on a user's videos. Only the paper scale asks for them.
LAV_CHECKPOINTS = {
    "animatediff": {"motion_adapter": LAV.data("motion_adapter")},
    "cogvideox": {"checkpoint": LAV.data("cogvideox")},
    "wan": {"checkpoint": LAV.data("wan")},
}

for lav_kind, lav_checkpoint in LAV_CHECKPOINTS.items():

    rule:
        """Relight one video with published checkpoints, by every method."""
        name:
            f"light_a_video_relight_photographs_{lav_kind}"
        input:
            **lav_checkpoint,
            videos=LAV.data("videos"),
            sd15=LAV.data("sd15"),
            ic_light=LAV.data("ic_light"),
            clip=LAV.data("clip"),
        output:
            store=LAV.store(f"photographs/{lav_kind}_{{n}}"),
        log:
            LAV.log(f"photographs/{lav_kind}_{{n}}"),
        benchmark:
            LAV.benchmark(f"photographs/{lav_kind}_{{n}}")
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(48000),
            runtime=minutes(480),
            gpu=gpus(1),
        params:
            **LAV.params("photographs", "methods", "prompt", "side", "relight_steps", "radius"),
            kind=lav_kind,
            root_seed=LAV.root_seed,
            code=LAV.code("relight_photographs"),
        script:
            "../scripts/light_a_video/relight_photographs.py"


LAV_PHOTOGRAPHS = expand(
    LAV.store("photographs/{kind}_{n}"),
    kind=LAV.value("photographs", "kinds"),
    n=range(LAV.value("photographs", "videos")),
)
if config["scale"] != "paper":
    LAV_PHOTOGRAPHS = []


rule light_a_video_table:
    """Table: every method with its measures and their intervals, the gate first."""
    input:
        measures=LAV.store("measures"),
        gate=LAV.store("gate"),
    output:
        table=LAV.table("table"),
    log:
        LAV.log("table_table"),
    benchmark:
        LAV.benchmark("table_table")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **LAV.params("bootstrap"),
        root_seed=LAV.root_seed,
        code=LAV.code("table_table"),
    script:
        "../scripts/light_a_video/table_table.py"


rule light_a_video_frames:
    """Figure: film strips of one clip, method by method."""
    input:
        scenes=LAV.store("scenes"),
        frames=LAV.store("run_frames"),
        ddim=LAV.store("run_ddim"),
    output:
        figure=LAV.figure("frames"),
    log:
        LAV.log("figure_frames"),
    benchmark:
        LAV.benchmark("figure_frames")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=LAV.code("figure_frames"),
    script:
        "../scripts/light_a_video/figure_frames.py"


rule light_a_video_light_curves:
    """Figure: fitted light of each frame against time."""
    input:
        scenes=LAV.store("scenes"),
        measures=LAV.store("measures"),
    output:
        figure=LAV.figure("light_curves"),
    log:
        LAV.log("figure_light_curves"),
    benchmark:
        LAV.benchmark("figure_light_curves")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=LAV.code("figure_light_curves"),
    script:
        "../scripts/light_a_video/figure_light_curves.py"


rule light_a_video_ablation:
    """Figure: attention, fusion and the schedule of the fusion weight."""
    input:
        measures=LAV.store("measures"),
    output:
        figure=LAV.figure("ablation"),
    log:
        LAV.log("figure_ablation"),
    benchmark:
        LAV.benchmark("figure_ablation")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=LAV.code("figure_ablation"),
    script:
        "../scripts/light_a_video/figure_ablation.py"


rule light_a_video_trace:
    """Figure: targets of the fusion, their light and their jumps, step by step."""
    input:
        ddim=LAV.store("run_ddim"),
    output:
        figure=LAV.figure("trace"),
    log:
        LAV.log("figure_trace"),
    benchmark:
        LAV.benchmark("figure_trace")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=LAV.code("figure_trace"),
    script:
        "../scripts/light_a_video/figure_trace.py"


rule light_a_video_transport:
    """Figure: blends of renders against renders under the blended light."""
    input:
        transport=LAV.store("transport"),
    output:
        figure=LAV.figure("transport"),
    log:
        LAV.log("figure_transport"),
    benchmark:
        LAV.benchmark("figure_transport")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=LAV.code("figure_transport"),
    script:
        "../scripts/light_a_video/figure_transport.py"


rule light_a_video_measure_claims:
    """Measure every claim of the paper."""
    input:
        measures=LAV.store("measures"),
        gate=LAV.store("gate"),
        transport=LAV.store("transport"),
        runs=[LAV.store(f"run_{run}") for run in LAV_RUNS],
        ddim=LAV.store("run_ddim"),
        photographs=LAV_PHOTOGRAPHS,
    output:
        claims=LAV.claims(),
    log:
        LAV.log("claims"),
    benchmark:
        LAV.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(20),
    params:
        **LAV.params("bootstrap"),
        root_seed=LAV.root_seed,
        pass_rules=LAV.pass_rules(),
        code=LAV.code("claims"),
    script:
        "../scripts/light_a_video/claims.py"


rule light_a_video:
    """The paper on relighting: all its figures and claims."""
    input:
        LAV.everything(),
