"""The questions of the chapter on choosing, and the networks it answers them for."""

# In the order in which they decide: what a "yes" leads to. The first yes decides.
QUESTIONS = {
    "trained": (
        "Do you start from\ntrained weights?",
        "the norms it was trained with",
    ),
    "bounded": (
        "Must the layer's Lipschitz\nconstant be bounded?",
        "spectral norm",
    ),
    "style": (
        "Is each image's contrast\nto be removed or replaced?",
        "instance norm",
    ),
    "untouched": (
        "Must no activation\nbe averaged?",
        "weight norm",
    ),
    "condition": (
        "Does a condition steer\na transformer?",
        "adaptive layer norm",
    ),
    "tokens": (
        "A block like a transformer's,\nor a recurrent state?",
        "RMS norm or layer norm",
    ),
    "batch": (
        "16 or more independent values\nper mean, and inference\nlike training?",
        "batch norm",
    ),
    "maps": (
        "Are there feature maps?",
        "group norm",
    ),
}
OTHERWISE = "layer norm"

# Which questions are answered with yes.
SITUATIONS = {
    "Language model": {"tokens"},
    "Vision transformer": {"tokens"},
    "ConvNeXt": {"tokens", "maps"},
    "Recurrent network": {"tokens"},
    "Diffusion transformer": {"condition", "tokens"},
    "ResNet from scratch": {"batch", "maps"},
    "Inference on a phone": {"batch", "maps"},
    "Fine-tuning with small batches": {"trained", "maps"},
    "Detection": {"trained", "maps"},
    "Segmentation of photographs": {"trained", "maps"},
    "Segmentation of medical volumes": {"style", "maps"},
    "U-Net of a diffusion model": {"maps"},
    "Style transfer": {"style", "maps"},
    "Discriminator of a GAN": {"bounded", "maps"},
    "Generator of a GAN": {"batch", "maps"},
    "Sound, sample by sample": {"untouched"},
    "Tabular data": {"batch"},
    "Reinforcement learning": set(),
}


def decide(answers):
    """What to put into a network for which these questions are answered with yes."""
    for key, (_, choice) in QUESTIONS.items():
        if key in answers:
            return choice
    return OTHERWISE
