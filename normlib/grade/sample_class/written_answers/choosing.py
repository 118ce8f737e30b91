"""What an invented class answers to the questions on choosing a normalizer."""

ANSWERS = {
    "choosing-why-gone": {
        "full": """\
How gray a sheet is, is a number added to all pixels. My table says that instance norm
does not see an instance shift. So a light sheet and a dark sheet look the same after
the first instance norm and the network can only guess, 1 of 5 is 20 %. More training
changes nothing.

With batch norm the 64 sheets share one mean per channel. A sample shift is not in its
column: the darker sheet is still darker than the others after the mean was subtracted.

For the new lamps no normalizer helps. More light and lighter paper do the same to the
pixels, so if it ignores the lamp it ignores the shade, too. I would put a white card in
the picture and compare with that.""",
        "partly": """\
Instance norm subtracts the mean of every photo, and the mean is how gray the sheet is.
So all sheets look alike to the network and it cannot learn. Batch norm would work
because it subtracts the mean of the batch and not of the photo, so differences
between photos stay. For the new lamps I would use layer norm, since it ignores the
brightness of a sample.""",
        "little": """\
The instance norm removes too much information, so the network cannot learn it. He
should use batch norm, it is better for classification. For the lamps he should train
again with new photos.""",
        "wrong": """\
20 % means that the network has collapsed because of the many instance norms, the
gradients vanish. It would help to use a smaller learning rate and to train longer, or
layer norm.""",
    },
}
