"""Errors of probes of all backbones and seeds in one store, with marks of what claims speak about."""

import xarray as xr


def join_probes(probes, *, roles: list[dict]) -> xr.Dataset:
    """Return errors (backbone, seed, subsample, m, probe), and marks.

    Marks of sizes (backbone, m): `few` (few-shot), `early` and `late` (the two regimes), `later` (of the contrast),
    `largest`. Marks of backbones: `supervised`, `contrast` (reconstruction).

    Args:
        probes: stores of errors, deciles and gaps.
        roles: for each data set the ending of its backbones' names, the sizes, and names of marked backbones.

    Raises:
        ValueError: a backbone that no entry of `roles` or more than one speaks of.
    """
    store = xr.merge(probes, join="outer", compat="no_conflicts", combine_attrs="drop")
    store = store.transpose("backbone", "seed", "subsample", "m", "probe", "tenth", "label")
    names = [str(name) for name in store.backbone.values]
    own = []
    for name in names:
        entries = [role for role in roles if name.endswith(role["ending"])]
        if len(entries) != 1:
            raise ValueError(f"roles: got {len(entries)} entries for the backbone {name}, expected one")
        own.append(entries[0])
    sizes = [int(m) for m in store.m.values]
    marks = {key: [[m in role[key] for m in sizes] for role in own] for key in ("few", "early", "late", "later")}
    marks["largest"] = [[m == role["largest"] for m in sizes] for role in own]
    return store.assign(
        {key: (("backbone", "m"), values) for key, values in marks.items()}
        | {key: ("backbone", [n in role[key] for n, role in zip(names, own)]) for key in ("supervised", "contrast")}
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(join_probes, snakemake)
