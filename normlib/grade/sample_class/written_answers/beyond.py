"""What an invented class answers to the question on what else there is."""

ANSWERS = {
    "beyond-why-no-mean": {
        "full": """\
Layer norm first subtracts the mean over the features. If the mean of z is always 0,
the variance is the mean of the squares and RMS norm does the same thing.

The mean of z is linear in x, so it can be taken out in the weights: subtract from
each column of W its mean (over the outputs) and from b its mean. Then z - mean(z) is
what the linear layer returns. gamma stays.

RMS norm has no beta. But beta is a constant vector and the next layer is linear, so
W2 @ beta is added to b2.

With a ReLU the mean of relu(z) is not a linear function of x any more, and it is
positive, so no W gives mean 0.""",
        "partly": """\
RMS norm is the same as layer norm if the mean of the row is zero. So W and b have to
be changed so that z has mean zero, by subtracting their mean over the outputs. I would
keep beta and add it after the RMS norm as a separate vector. With a ReLU all values
are positive and the mean is not zero.""",
        "little": """\
They are the same when the mean is 0. If the data are standardized before, the mean
is 0, so one can just replace it. A ReLU makes the values positive.""",
        "wrong": """\
One replaces layer norm by RMS norm and chooses gamma larger to make up for the mean
that is not subtracted. With a ReLU this does not work because the gradient is 0.""",
    },
}
