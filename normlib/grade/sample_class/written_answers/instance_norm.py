"""What an invented class answers to the question on instance norm."""

ANSWERS = {
    "instance_norm-why-overexposed": {
        "full": """\
1. Overexposed photos are clipped at 255. That is not the same as adding a constant or
multiplying: the bright regions become completely flat, and you can still see that after
instance norm.

2. It says overexposed for the same ones as before. 0.3 is the same factor for all the
pixels, so instance norm takes it out again, and the flat regions don't get their
texture back from being darker.

3. Take well exposed photos and add 100 to the pixels in floating point without
clipping. If clipping is the only reason, the network still calls them well exposed.""",
        "partly": """\
1. Overexposed photos have white areas where all pixels are 255, and these look
different from the rest.
2. It calls them overexposed, because instance norm does not see the brightness.
3. I would test the network on photos of another camera.""",
        "little": """\
Some brightness can come in through the borders of the image. When the photos are darker
it should say well exposed. I would train the network without instance norm to see if
the accuracy gets better.""",
        "wrong": """\
The network has learned the average brightness from the training data and stores it in
gamma and beta. One could use more training images or a smaller learning rate.""",
    },
}
