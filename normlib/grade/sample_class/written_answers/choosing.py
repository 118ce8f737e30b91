"""What an invented class answers to the questions on choosing a normalizer."""

ANSWERS = {
    "choosing-why-table": {
        "full": """\
1. Group norm. Some neighboring channels of one photo share a mean, over all positions,
   so it does not matter that there are only two photos. With batch norm there would be
   only 2 x 16 numbers per mean on the last maps, and they come from two photos, so the
   statistics jump around and the running averages fit badly.
2. Layer norm: all features of one word share a mean. It does not care how long the
   text is or how many users there are. Batch norm has a batch of one here, and it
   would need other averages at every place in the text.
3. Batch norm, a channel shares one mean over 256 images and all positions, which is
   enough, and the studio photos are all alike so the averages are right later. At
   inference it is only a multiplication that can be put into the convolution. Layer
   norm would cost time, since it computes a mean for each photo.
4. Instance norm, each channel of each photo has its own mean, so contrast and tint
   are removed. Batch norm uses constants at inference, so the contrast stays.""",
        "partly": """\
1. Group norm, it works on each photo alone. Batch norm is bad because 2 is too few for
   a mean.
2. Layer norm, because it is used in all language models. Not batch norm.
3. Batch norm. The mean is over 256 images and it can be merged into the convolution
   for inference. Group norm would be slower because it has to compute the means.
4. Instance norm because it removes the contrast of each image. Not layer norm.""",
        "little": """\
1. group norm because the batch is small
2. layer norm
3. batch norm because the batch is large
4. instance norm, it was made for style transfer""",
        "wrong": """\
Batch norm for 1 and 3, because they are convolutional networks and batch norm is the
standard for those. For 2 and 4 no normalizer, text has no mean and for style one wants
to keep the original photo.""",
    },
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
