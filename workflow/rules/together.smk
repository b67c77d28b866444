"""With `execution.together`, one job trains the runs of all targets of a source.

It is that of the first target. Those of the other targets wait for it, and find their runs in the store. A
change of one target's files makes its own job run again, and no other.
"""

from types import SimpleNamespace

ADAPTATIONS = ("adapt.py", "select_lambda.py")


def targets_from(source):
    """Targets of a source, in the order of the pairs."""
    return [pair.target for pair in EXPERIMENT.pairs if pair.source == source]


def neighbours(wildcards):
    """Targets whose runs a job trains ahead: for the first target of a source, the others."""
    first, *others = targets_from(wildcards.source) or [None]
    return others if wildcards.target == first else []


def of_neighbours(find):
    """What an input function finds for each of them; it is awaited, and makes no finished job run again."""

    def found(wildcards):
        named = [SimpleNamespace(**{**wildcards, "target": target}) for target in neighbours(wildcards)]
        return ancient([file for each in named for file in find(each)])

    return found


def of_first(path):
    """A file of the first target's job, for those of the others."""

    def found(wildcards):
        first, *others = targets_from(wildcards.source) or [None]
        named = {**wildcards, "target": first}
        return ancient(expand(path, **named)) if wildcards.target in others else []

    return found


def split_files(seeds):
    """Input function of the splits of a target, for the seeds that a function gives."""
    path = "<results>/splits/{target}/seed-{seed}.npz"
    return lambda wildcards: expand(path, target=wildcards.target, seed=seeds(wildcards))


def train_together(made):
    """Let a rule's first job of a source train the runs of all its targets."""
    searches = Path(made.script).name == "select_lambda.py"
    seeds = (lambda wildcards: searched("search")(wildcards)["seed"]) if searches else lambda wildcards: SEEDS
    weights = (lambda wildcards: []) if searches or made.params.shots == [0] else chosen_entropy_weight
    made.set_input(
        ahead_stamps=of_neighbours(lambda wildcards: [f"<results>/stamps/{wildcards.target}.h5"]),
        ahead_splits=of_neighbours(split_files(seeds)),
        ahead_weights=of_neighbours(weights),
        first=of_first(strip_wildcard_constraints(made.output[0])),
    )
    made.set_params(neighbours=neighbours)


if EXECUTION["together"]:
    for made in list(workflow.rules):
        if made.script and Path(made.script).name in ADAPTATIONS:
            train_together(made)
