"""What an invented class answers to the questions on batch norm."""

ANSWERS = {
    "batch_norm-why-sorted": {
        "full": """\
The network is still in training mode: `eval()` was never called, so every batch is
normalized with its own statistics. When the batches are shuffled and have 64 images,
their mean and variance are almost those of the training data, so nobody notices.

Sorted by class, all images in a batch are the same digit. What they have in common
ends up in the batch mean and is subtracted, so exactly the information about the
class is removed.

With two images every feature becomes +1 or -1, only which one was bigger survives,
and that depends on the other image. With one image the variance is 0 and x minus the
mean is 0, every image would look the same. That is why torch raises the error.""",
        "partly": """\
She forgot model.eval(), so batch norm uses the statistics of the test batch and not
the running statistics. If the test images are sorted by class, the batch statistics
are different from training and the predictions are wrong. With two images the
statistics are very noisy. With one image there is no variance, so there is an error.
I am not sure why it works in the shuffled case, probably because 64 is large.""",
        "little": """\
Batch norm does not work with small batches, because the mean and variance cannot be
estimated well. She should use layer norm or a larger batch on the server.""",
        "wrong": """\
The network overfits. It has learned the order of the training data, and when the
test data come in another order it cannot predict them.""",
    },
    "batch_norm-why-a-test": {
        "full": """\
Loss: the normalized values of a feature always add up to 0, so y.sum() is N times
beta and does not depend on x at all. The true gradient is 0 and a function that
returns zeros is right. Use a random dy instead.

Shape: two values minus their mean, divided by their std, are always -1 and 1. So y
does not depend on x (except for eps) and dx is again almost 0, even with a random dy.
Take 4 or 5 samples, and not as many features as samples.

gamma: if gamma is 1 one cannot see whether the function multiplies by it. Take random
values, also negative ones.""",
        "partly": """\
The sum of y is a bad loss because batch norm makes the mean zero, so the gradient is
zero. He should use the sum of y squared. Two samples are too few, better use 100. And
gamma should not be ones, because then forgetting gamma makes no difference.""",
        "little": """\
He should test with more samples and with different values of gamma, because a test
should cover as many cases as possible.""",
        "wrong": """\
Finite differences are not exact. The tolerance should be smaller, then the test would
fail.""",
    },
}
