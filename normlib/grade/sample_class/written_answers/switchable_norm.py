"""What an invented class answers to the questions on switchable norm."""

ANSWERS = {
    "switchable_norm-why-statistics": {
        "full": """\
They are the same only if one share is 1 and the others 0, then both are just that norm.
(With one image instance and batch are the same norm, so the shares between these two
do not matter either.) Otherwise mixing 1/std is not the same as mixing variances.

Quiet channel: in her version instance norm and batch norm divide by the std of that
channel alone. The variance is 1e-6, plus eps 1e-5, so the divisor is about 0.003 and
the noise becomes 0.3. Two thirds of that stay after mixing, so about 0.2, nearly as
large as a real signal.

In my version the mixed variance is about 1/3 of the layer norm variance, which is
nearly 1 because of the other channels. So I divide by something like 0.6 and the
noise stays around 0.002.

In general: her factor is the sum of p/std, so the smallest std wins. Mine is 1 over the
root of a sum of variances, so there the largest one wins.""",
        "partly": """\
It is the same when the logits choose one norm completely. In general it is different
because the square root is not linear.

The noise in her output is amplified, because instance norm makes every channel have
variance 1 and it does not matter how small it was before. So it will be around 1/3 or
2/3. In my output it is also amplified but less, because the variance is an average of
the three.

She also needs more memory because there are three outputs.""",
        "little": """\
It is not the same because the mean of the outputs is something else than the output
of the mean. Hers is slower, as it normalizes three times. But if the network is
trained with it, it will learn other weights and the result will be about as good.""",
        "wrong": """\
It is the same, because normalization is linear in x. First mixing and then
normalizing or first normalizing and then mixing gives the same numbers, only her code
is shorter.""",
    },
}
