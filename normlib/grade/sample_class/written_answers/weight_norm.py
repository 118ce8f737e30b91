"""What an invented class answers to the questions on weight norm."""

ANSWERS = {
    "weight_norm-why-the-length": {
        "full": """\
With g doubled, w is doubled, and batch norm divides it away again, so the outputs are
the same. In the backward pass dw gets half as big because w is twice as long. dv is the
part of dw across v times g / |v|, so 1/2 times 2, it stays the same and v makes the
same steps.

With v doubled the outputs stay as well but dv is half as big and v is twice as long, so
it turns 4 times less. Experiment: double v and train with the same learning rate, it
should be slower. With 4 times the learning rate for v it should be the first curve
again.""",
        "partly": """\
Batch norm divides by the standard deviation and this has the 2 in it, so the factor is
gone and the output is the same. For v it is different because the gradient of v is
divided by the length of v, so it learns slower. The blog is not right there.""",
        "little": """\
Because batch norm normalizes everything afterwards, multiplying the weights by 2 does
nothing. So I think it will be the same with v.""",
        "wrong": """\
g is a parameter and training can correct it, after some steps it is back at the old
value. Therefore the curves are the same at the end.""",
    },
}
