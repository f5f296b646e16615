"""Figure: calibration before and after temperature scaling, and reliability diagrams."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_means
from lib.probing.runs import run_values, tried_rates


def figure(tuned):
    """Return the figure."""
    fig, (errors, before, after) = new_figure(ncols=3, width=11.5, height=3.8)
    documents = int(tuned.attrs["documents"][0])
    rates = tried_rates(tuned, "FT", documents)
    cases = [("LP", {"rate": 0.0}, "LP")]
    cases += [(name, {"rate": rate}, f"{name}, rate {rate:g}") for rate in rates for name in ("FT", "LP-FT")]
    largest = tuned.scale.values.max()
    cases.append(("LP-FT", {"rate": tuned.attrs["scale_rate"], "scale": largest}, f"LP-FT, head times {largest:g}"))
    cases += [(name, {"rate": tuned.attrs["adapter_rate"]}, name) for name in ("LoRA", "LP-LoRA")]
    for i, (procedure, choice, _) in enumerate(cases):
        for measure, shift, face in (("ece", -0.12, None), ("scaled_ece", 0.12, "white")):
            values = run_values(tuned, procedure, measure, **choice)[0]
            style = {"color": COLOURS[i % len(COLOURS)], "fmt": MARKERS[i % len(MARKERS)], "mfc": face}
            if len(values) > 1:
                draw_means(errors, [i + shift], values[None], **style)
            else:
                errors.errorbar([i + shift], values, **style)
    errors.set_xticks(range(len(cases)), [words for _, _, words in cases], rotation=60, ha="right", fontsize=7)
    errors.set_ylabel("expected calibration error")
    errors.set_title("before (filled), after (open)")
    fast = max(rates)
    shown = [("FT", {"rate": fast}), ("LP-FT", {"rate": fast}), cases[-3][:2]]
    names = [f"FT, rate {fast:g}", f"LP-FT, rate {fast:g}", cases[-3][2]]
    for axis, when in ((before, "before"), (after, "after")):
        axis.plot([0, 1], [0, 1], **REFERENCE)
        for i, ((procedure, choice), name) in enumerate(zip(shown, names)):
            bins = _pooled(tuned, procedure, when, **choice)
            axis.plot(bins[1], bins[2], marker=MARKERS[i], color=COLOURS[i], label=name)
        axis.set(xlabel="mean probability of a bin", ylabel="accuracy of a bin", title=f"{when} scaling")
    before.legend(fontsize=7)
    panel_labels((errors, before, after))
    return fig


def _pooled(tuned, procedure: str, when: str, **choice) -> np.ndarray:
    """Count, mean probability and accuracy of each bin over all documents of all seeds; bins below 20 are left out."""
    at = tuned.assign(
        {f"{name}_{k}": tuned.bins.sel(when=when, of_bin=name, bin=k) for name in tuned.of_bin.values
         for k in range(tuned.sizes["bin"])}
    )  # fmt: skip

    def values(name: str) -> np.ndarray:
        return np.stack([run_values(at, procedure, f"{name}_{k}", **choice)[0] for k in range(tuned.sizes["bin"])])

    count, confidence, accuracy = (np.nan_to_num(values(name)) for name in ("count", "confidence", "accuracy"))
    total = count.sum(axis=1)
    with np.errstate(invalid="ignore"):
        pooled = [total, (count * confidence).sum(axis=1) / total, (count * accuracy).sum(axis=1) / total]
    return np.stack(pooled)[:, total >= 20]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
