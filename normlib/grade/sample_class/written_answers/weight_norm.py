"""What an invented class answers to the questions on weight norm."""

ANSWERS = {
    "weight_norm-why-resumed": {
        "full": """\
They only saved w. When weight norm is put on again it takes v = w, so the rows of v
have length 2 and not 12 any more. g is 2 as before. w is the same and the outputs only
depend on w, so the check can't see it.

But how far a step turns w depends on (g / |v|)^2. Before it was (2/12)^2 = 1/36, now it
is 1, so it turns 36 times as fast with the same learning rate, that is too much.

They should save the state_dict with weight_g and weight_v and load that.""",
        "partly": """\
The length of v is lost, it was 12 and is 2 now. The weight g v / |v| does not depend on
it, therefore the outputs are the same. The gradient of v has 1 / |v| in it and so it is
6 times bigger. I would use a smaller learning rate after loading.""",
        "little": """\
The outputs are the same because the weights are the same. The optimizer has lost its
state, so the first steps are bad. They should save the optimizer too.""",
        "wrong": """\
The model was overfitted after 10,000 steps and the loss went up because of that. They
should use early stopping.""",
    },
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
