"""Figure: gap over eps of every learner with the online budget of elimination, and elimination as beta shrinks."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.stats.intervals import estimate_mean, estimate_proportion

NAMES = {
    "pessimism": "offline: pessimism",
    "offline certainty equivalence": "offline: certainty equivalence",
    "uniform": "online: uniform actions",
    "online certainty equivalence": "online: action 0, then uniform",
    "hybrid optimism": "both: optimism",
    "elimination": "both: elimination (FTPedel)",
}


def figure(tracking, far, spent, failures, random):
    """Return the figure: mean gaps with intervals, and failure rates against the divisor of beta."""
    fig, (left, right) = new_figure(ncols=2, width=9.4, height=3.9)
    gaps = {name: (spent.gap.sel(learner=name) / spent.eps).values for name in spent.learner.values}
    own = []
    for store in (tracking, far):
        for case in np.flatnonzero(store.offline.values > 0):
            runs = store.gap.values[case]
            own.append((store.eps.values[case], runs[np.isfinite(runs)] / store.eps.values[case]))
    for k, (name, label) in enumerate(NAMES.items()):
        eps = [one for one, _ in own] if name == "elimination" else spent.eps.values
        rows = [row for _, row in own] if name == "elimination" else gaps[name]
        mean, _, low, high, _ = (np.array(column) for column in zip(*(estimate_mean(row) for row in rows)))
        x = np.arange(len(eps)) + 0.1 * (k - 2.5)
        left.errorbar(x, mean, [mean - low, high - mean], color=COLOURS[k], marker=MARKERS[k], ls="none", label=label)
    left.axhline(1, **REFERENCE)
    left.set_xticks(np.arange(len(own)), [f"{one:g}" for one, _ in own])
    left.set(xlabel="eps", ylabel="mean gap over eps", title="equal online budgets on the rare branch")
    left.legend(fontsize=7, loc="center", bbox_to_anchor=(0.5, 0.55))
    series = (
        ("rare branch, estimated dynamics", failures.divisor.values, failures.gap.values, failures.eps.values),
        (
            "random processes, known dynamics",
            random.divisor.values,
            random.gap.values.reshape(random.sizes["divisor"], -1),
            np.full(random.sizes["divisor"], random.attrs["eps"]),
        ),
    )
    for k, (label, divisors, values, eps) in enumerate(series):
        values = [row[np.isfinite(row)] for row in values]
        shares = [estimate_proportion(int((row > one * (1 + 1e-9)).sum()), len(row)) for row, one in zip(values, eps)]
        share, _, low, high, _ = (np.array(column) for column in zip(*shares))
        right.errorbar(divisors * 1.06**k, share, [share - low, high - share], color=COLOURS[k], marker=MARKERS[k],
                       ls=LINESTYLES[k], label=label)  # fmt: skip
    right.axhline(0.05, **REFERENCE)
    right.set(
        xscale="log",
        xlabel="divisor of beta",
        ylabel="share of runs above eps",
        title="elimination fails only far below its beta",
    )
    right.legend(fontsize=7, loc="upper left")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
