"""What an invented class answers to the questions on weight norm."""

ANSWERS = {
    "weight_norm-why-the-length": {
        "full": """\
1. w is twice as long, so dw gets half as big because of batch norm. dv is the part of
dw across v times g / |v|, so 1/2 times 2, it stays the same and v makes the same step.
g does not move at all, its gradient is 0 because no output depends on it. So the next
step is the same again.

2. No. At the beginning the outputs are the same, since all features of a sample are
doubled and layer norm divides that out, and the first step of v is also the same. But
here g has a gradient, because if only one entry of g changes, the output changes. The
doubled g learns slower (half the gradient for a number twice as big), so later the
curves are not the same.""",
        "partly": """\
1. The gradient of w is half as large and it is multiplied by g / |v|, which is twice as
large. So v does the same as before.
2. With layer norm the outputs are also the same, because it divides by the standard
deviation and this has the 2 in it. Therefore the curve is the same too and they are
right.""",
        "little": """\
Because batch norm normalizes everything afterward, multiplying the weights by 2 does
nothing. Layer norm normalizes everything as well, so I think it will be the same.""",
        "wrong": """\
g is a parameter and training can correct it, after some steps it is back at the old
value. Therefore the curves are the same at the end.""",
    },
}
