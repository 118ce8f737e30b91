"""What an invented class answers to the questions on choosing a normalizer."""

ANSWERS = {
    "choosing-why-gone": {
        "full": """\
1. Yes. Instance norm takes away one number and one factor from the whole photo. If the
sheet is for example in the middle between black and white, it is still in the middle
afterward, and a lighter sheet is nearer to the white.

2. No. Then there are only two numbers in the photo, and two numbers minus their mean,
divided by their standard deviation, are always the same two, like in a batch of two.

3. They look lighter to it than they are, because it only knows where the paper lies
between black and white, and the white has come down. So a sheet of 0.4 is now in the
middle (0.4 of 0.8) and it says 0.5.

4. No. More light and lighter paper do the same to the pixels, so if it ignores the
lamp it ignores the shade, too.""",
        "partly": """\
1. Yes, because the network can compare the sheet with white and with black.
2. Yes, it can compare it with the white, this is enough.
3. The strip is only at the edge, so most sheets are still recognized, and some are
taken for lighter ones.
4. I would use layer norm, since it ignores the brightness of a sample.""",
        "little": """\
The strips do not help, because instance norm removes too much information. He should
use batch norm, it is better for classification. For the lamps he should train again
with new photos.""",
        "wrong": """\
20 % means that the network has collapsed because of the many instance norms, the
gradients vanish. It would help to use a smaller learning rate and to train longer, or
layer norm.""",
    },
}
