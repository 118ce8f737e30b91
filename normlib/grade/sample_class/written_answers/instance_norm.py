"""What an invented class answers to the question on instance norm."""

ANSWERS = {
    "instance_norm-why-overexposed": {
        "full": """\
The first way is the padding. padding=1 puts zeros around the image, and these do not
get brighter when the image does, so near the border there is a step that depends on
the brightness. It is different at different positions, and instance norm only removes
what is the same everywhere. Experiment: train again with padding_mode="reflect". If it
was only the padding, the accuracy should drop to about 50 %.

The second way is that overexposed photos are clipped at 255. That is not the same as
adding a constant: the bright regions become completely flat, and you can still see
that after instance norm. Experiment: take well exposed photos and add 100 to the
pixels in floating point without clipping. If clipping is the only reason, the network
still calls them well exposed.""",
        "partly": """\
The zero padding lets the brightness through, because the frame stays at zero. With
reflect padding the network should only guess. Another explanation could be that
overexposed photos have white areas where all pixels are 255. I would test the network
on other photos that are darker.""",
        "little": """\
Some brightness can come in through the padding. I would train the network without
instance norm to see if the accuracy gets better.""",
        "wrong": """\
The network has learned the average brightness from the training data and stores it in
gamma and beta. One could use more training images or a smaller learning rate.""",
    },
}
