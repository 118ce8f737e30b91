"""What an invented class answers to the questions on weight norm."""

ANSWERS = {
    "weight_norm-why-it-grows": {
        "full": """\
Not bugs. The weight is g * v / |v|, so the length of v cancels. v is only there for
its direction and can have any length.

It gets longer because the gradient of v has no part along v. The step stands at a
right angle to v, and after a step |v|^2 is the old |v|^2 plus the step squared. So it
can only get longer, with any data.

Setting it back to 1 does not change w, so the network computes the same as before.
But the gradient of v has 1/|v| in it. With |v| = 1 the steps are bigger and turn v more
than they would turn the long v, so it is like using a larger learning rate. The
training will not be the same.""",
        "partly": """\
It is no bug that v is not of length 1, because it is divided by its norm in the
forward pass. That it grows is because the gradient is orthogonal to v. Setting it back
to 1 does not change the weight, so his repair is fine and can be done, it just is not
needed.""",
        "little": """\
The first one is not a bug because v gets normalized later anyway. The second one looks
like the weights explode, I would use weight decay or a smaller learning rate.""",
        "wrong": """\
Both are bugs. v should be normalized after every step, otherwise it is not a direction
any more. The repair is right and the network will be better with it.""",
    },
    "weight_norm-why-faster": {
        "full": """\
1. They changed the initialization and the parametrization together. Run the plain
network with the same start: take g and b from the data and put w = g v / |v| in the
normal Linear layers. If it needs 40 steps as well, it was the start.

2. Only one learning rate. With g and v the same learning rate moves the weight by
another amount, so maybe 0.01 is just too small for the plain one. Try several learning
rates for both and compare the best of one with the best of the other. If they are
equal then nothing is faster.""",
        "partly": """\
They should try other learning rates, because a method can be better at one and worse
at another. Each method should get its best one. They should also repeat it with more
seeds to see if it is only luck.""",
        "little": """\
One should test it on other data sets too, because digits are easy, and also look at the
final accuracy and not only at the speed.""",
        "wrong": """\
I think the sentence is right. 40 is much less than 300, and weight norm is known to
make the optimization problem better conditioned.""",
    },
}
