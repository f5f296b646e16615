# Light-A-Video: two small diffusion models, relit clips of known light, measures, figures; and real videos at paper scale.


use rule stage as light_a_video_render_scenes with:
    """Render the test clips with albedo, normals, motion, light and truth."""
    output:
        store=paper.store("scenes"),
    log:
        paper.log("scenes"),
    benchmark:
        paper.benchmark("scenes")
    priority: 100
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        **paper.params("scenes"),
        **paper.script("render_scenes"),
        root_seed=paper.root_seed,


use rule stage as light_a_video_train_relighter with:
    """Train an image relighter on random lit scenes."""
    output:
        store=paper.store("relighter"),
    log:
        paper.log("relighter"),
    benchmark:
        paper.benchmark("relighter")
    priority: 80
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        **paper.params("relighter"),
        **paper.params("scenes", "size", "frames"),
        **paper.script("train_relighter"),
        root_seed=paper.root_seed,


use rule light_a_video_train_relighter as light_a_video_train_unet with:
    output:
        store=paper.store("unet"),
    log:
        paper.log("unet"),
    benchmark:
        paper.benchmark("unet")
    priority: 60
    params:
        **paper.params("unet"),


use rule stage as light_a_video_train_vdm with:
    """Train the video diffusion model on clips under a steady light."""
    output:
        store=paper.store("vdm"),
    log:
        paper.log("vdm"),
    benchmark:
        paper.benchmark("vdm")
    priority: 100
    resources:
        mem_mb=mem(2000),
        runtime=minutes(240),
    params:
        **paper.params("vdm"),
        **paper.params("scenes", "size", "frames"),
        **paper.script("train_vdm"),
        root_seed=paper.root_seed,


use rule stage as light_a_video_measure_gate with:
    """Measure how well the video model keeps clips that are already right."""
    input:
        **paper.stores("scenes", "vdm"),
    output:
        store=paper.store("gate"),
    log:
        paper.log("gate"),
    benchmark:
        paper.benchmark("gate")
    priority: 90
    resources:
        mem_mb=mem(2000),
        runtime=minutes(20),
    params:
        **paper.params("gate"),
        **paper.params("sampling", "steps", "strength"),
        **paper.script("measure_gate"),
        root_seed=paper.root_seed,


# Few rules, for each imports diffusers: one without the video model, one for each step rule of it. Long ones start first.
use rule stage as light_a_video_relight_ddim with:
    """Relight the test clips by a set of methods."""
    input:
        **paper.stores("vdm", "scenes", "relighter"),
    output:
        store=paper.store("run_ddim"),
    log:
        paper.log("run_ddim"),
    benchmark:
        paper.benchmark("run_ddim")
    priority: 70
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **paper.params("run_ddim"),
        **paper.params("sampling"),
        **paper.script("relight_clips"),
        root_seed=paper.root_seed,


use rule light_a_video_relight_ddim as light_a_video_relight_euler with:
    output:
        store=paper.store("run_euler"),
    log:
        paper.log("run_euler"),
    benchmark:
        paper.benchmark("run_euler")
    priority: 60
    params:
        **paper.params("run_euler"),


use rule light_a_video_relight_ddim as light_a_video_relight_frames with:
    input:
        **paper.stores("scenes", "relighter", "unet"),
    output:
        store=paper.store("run_frames"),
    log:
        paper.log("run_frames"),
    benchmark:
        paper.benchmark("run_frames")
    priority: 40
    params:
        **paper.params("run_frames"),


use rule stage as light_a_video_measure_videos with:
    """Measure all relit videos against the known light, geometry and motion."""
    input:
        scenes=paper.store("scenes"),
        runs=expand(paper.store("run_{name}"), name=["ddim", "euler", "frames"]),
    output:
        store=paper.store("measures"),
    log:
        paper.log("measures"),
    benchmark:
        paper.benchmark("measures")
    resources:
        mem_mb=mem(2000, laptop=800),
        runtime=minutes(30),
    params:
        **paper.params("videos"),
        **paper.script("measure_videos"),


use rule stage as light_a_video_measure_transport with:
    """Compare blends of renders with renders under the blended light."""
    output:
        store=paper.store("transport"),
    log:
        paper.log("transport"),
    benchmark:
        paper.benchmark("transport")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **paper.params("transport"),
        **paper.script("measure_transport"),
        root_seed=paper.root_seed,


# Published checkpoints on a user's videos. Only the paper scale asks for them.
LIGHT_A_VIDEO_SUPPLIED = {key: paper.data(key) for key in ("videos", "sd15", "ic_light", "clip")}
LIGHT_A_VIDEO_PHOTOGRAPHS = expand(
    paper.store("photographs/{kind}_{n}"),
    kind=paper.value("photographs", "kinds"),
    n=range(paper.value("photographs", "videos")),
)


use rule stage as light_a_video_relight_photographs_animatediff with:
    """Relight one video with published checkpoints, by every method."""
    input:
        **LIGHT_A_VIDEO_SUPPLIED,
        motion_adapter=paper.data("motion_adapter"),
    output:
        store=paper.store("photographs/animatediff_{n}"),
    log:
        paper.log("photographs/animatediff_{n}"),
    benchmark:
        paper.benchmark("photographs/animatediff_{n}")
    resources:
        mem_mb=mem(48000),
        runtime=minutes(480),
        gpu=gpus(1),
    params:
        **paper.params("photographs", "methods", "prompt", "side", "relight_steps", "radius"),
        **paper.script("relight_photographs"),
        kind="animatediff",
        root_seed=paper.root_seed,


use rule light_a_video_relight_photographs_animatediff as light_a_video_relight_photographs_cogvideox with:
    input:
        **LIGHT_A_VIDEO_SUPPLIED,
        checkpoint=paper.data("cogvideox"),
    output:
        store=paper.store("photographs/cogvideox_{n}"),
    log:
        paper.log("photographs/cogvideox_{n}"),
    benchmark:
        paper.benchmark("photographs/cogvideox_{n}")
    params:
        kind="cogvideox",


use rule light_a_video_relight_photographs_animatediff as light_a_video_relight_photographs_wan with:
    input:
        **LIGHT_A_VIDEO_SUPPLIED,
        checkpoint=paper.data("wan"),
    output:
        store=paper.store("photographs/wan_{n}"),
    log:
        paper.log("photographs/wan_{n}"),
    benchmark:
        paper.benchmark("photographs/wan_{n}")
    params:
        kind="wan",


use rule table as light_a_video_table with:
    """Table: every method with its measures and their intervals, the gate first."""
    input:
        **paper.stores("measures", "gate"),
    output:
        table=paper.table("table"),
    log:
        paper.log("table_table"),
    benchmark:
        paper.benchmark("table_table")
    params:
        **paper.params("bootstrap"),
        **paper.script("table_table"),
        root_seed=paper.root_seed,


use rule figure as light_a_video_frames with:
    """Figure: film strips of one clip, method by method."""
    input:
        scenes=paper.store("scenes"),
        frames=paper.store("run_frames"),
        ddim=paper.store("run_ddim"),
    output:
        figure=paper.figure("frames"),
    log:
        paper.log("figure_frames"),
    benchmark:
        paper.benchmark("figure_frames")
    params:
        **paper.script("figure_frames"),


use rule figure as light_a_video_light_curves with:
    """Figure: fitted light of each frame against time."""
    input:
        **paper.stores("scenes", "measures"),
    output:
        figure=paper.figure("light_curves"),
    log:
        paper.log("figure_light_curves"),
    benchmark:
        paper.benchmark("figure_light_curves")
    params:
        **paper.script("figure_light_curves"),


use rule figure as light_a_video_ablation with:
    """Figure: attention, fusion and the schedule of the fusion weight."""
    input:
        measures=paper.store("measures"),
    output:
        figure=paper.figure("ablation"),
    log:
        paper.log("figure_ablation"),
    benchmark:
        paper.benchmark("figure_ablation")
    params:
        **paper.script("figure_ablation"),


use rule figure as light_a_video_trace with:
    """Figure: targets of the fusion, their light and their jumps, step by step."""
    input:
        ddim=paper.store("run_ddim"),
    output:
        figure=paper.figure("trace"),
    log:
        paper.log("figure_trace"),
    benchmark:
        paper.benchmark("figure_trace")
    params:
        **paper.script("figure_trace"),


use rule figure as light_a_video_transport with:
    """Figure: blends of renders against renders under the blended light."""
    input:
        transport=paper.store("transport"),
    output:
        figure=paper.figure("transport"),
    log:
        paper.log("figure_transport"),
    benchmark:
        paper.benchmark("figure_transport")
    params:
        **paper.script("figure_transport"),


use rule claims as light_a_video_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("measures", "gate", "transport"),
            runs=expand(paper.store("run_{name}"), name=["ddim", "euler", "frames"]),
            ddim=paper.store("run_ddim"),
            photographs=LIGHT_A_VIDEO_PHOTOGRAPHS if config["scale"] == "paper" else [],
        ),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(20),
    params:
        **paper.params("bootstrap"),
        **paper.script("claims"),
        **paper.judging(),
        root_seed=paper.root_seed,


rule light_a_video:
    """The paper on relighting: all its figures and claims."""
    input:
        paper.everything(),
