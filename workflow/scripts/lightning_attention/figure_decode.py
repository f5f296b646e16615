"""Figure: time of a decoded token, and bytes of state or cache, against the context length."""

from lib.atlas.job.figure import LINESTYLES, MARKERS, new_figure

LABELS = {"tnl_chunked": "TransNormer, state", "softmax": "softmax, cache of keys and values"}


def figure_decode(models):
    """Return the figure."""
    figure, (left, right) = new_figure(2, 1, width=8.2, height=3.4)
    for i, (name, label) in enumerate(LABELS.items()):
        times = models.decode_ms.sel(decoder=name)
        middle = times.median("token").values
        low, high = (times.quantile(q, "token").values for q in (0.25, 0.75))
        style = {"marker": MARKERS[i], "linestyle": LINESTYLES[i], "label": label}
        left.errorbar(models.context, middle, yerr=[middle - low, high - middle], **style)
        right.plot(models.context, models.state_bytes.sel(decoder=name) / 2**20, **style)
    for axis in (left, right):
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xlabel("context length (tokens)")
    left.set_ylabel("time of one token (ms)")
    right.set_ylabel("state or cache (MiB)")
    left.legend()
    figure.suptitle(models.attrs["machine"], fontsize=9)
    return figure


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure_decode, snakemake)
