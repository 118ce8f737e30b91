"""layer_norm.folding: a question that numbers answer."""

from normlib.check.exercises.questions import question


def folding():
    """The seven numbers, in the order of the table."""
    return 1, 3, 4, 1, 3, 1, 10


EXERCISE = question(
    folding,
    key="layer_norm.folding",
    points=2,
    statement="What of a norm can be merged into the linear layer that follows?",
    section="layer-norm-algorithm",
    items=(
        "weight of layer norm",
        "bias of layer norm",
        "standard deviation of layer norm",
        "running variance of batch norm",
        "running mean of batch norm",
        "ratio with layer norm",
        "ratio after merging",
    ),
    mistaken={
        "rows-of-w": ("weight of layer norm", 2),
        "learned": ("weight of layer norm", 5),
        "beta-scales": ("bias of layer norm", 1),
        "std-constant": ("standard deviation of layer norm", 1),
        "running-per-token": ("running variance of batch norm", 4),
        "running-mean-per-token": ("running mean of batch norm", 4),
        "ln-keeps-size": ("ratio with layer norm", 10),
        "merged-forgets-size": ("ratio after merging", 1),
    },
    afterwards=(
        "At inference, batch norm's statistics are constants, so the layer is a "
        "fixed affine map, which a linear layer can absorb: scales go into the "
        "columns of W, shifts through W into b. Layer norm's statistics belong to "
        "the token. With averages, a token that is ten times as large stays ten "
        "times as large, although layer norm would have given both the same output. "
        "Its gamma and beta can be merged; its standardization stays."
    ),
)
