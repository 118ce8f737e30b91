"""What an invented class answers to the questions on batch norm."""

ANSWERS = {
    "batch_norm-why-sorted": {
        "full": """\
1. The new camera does the same to every pixel, so every unit of the first linear
layer is also multiplied by 0.5 and shifted by a constant that is the same for all
images. Batch norm with statistics of the new camera subtracts the shift and divides
by the smaller deviation, so after the first batch norm everything is as before.
That's why it is the same number and not only a similar one.

2. If there are only zeros, their mean is not the mean of all digits. What all zeros
have in common is subtracted from every image, and the variance is also wrong.

3. It will not help, because there is one mean and one variance for all images, but
every image would need its own.

4. OK if the batches are large and contain all the digits. Not OK if one image comes
at a time, or all images in a batch are the same digit.""",
        "partly": """\
1. The running statistics belong to the old camera, so the network gets numbers with
the wrong mean and variance. With new statistics they fit again.
2. Zeros have other statistics than all the digits together.
3. I think it will help a little, because the average camera is closer than the old
one.
4. Large mixed batches are fine, one single image is not.""",
        "little": """\
The network has adapted to the new camera by seeing its images. With only zeros it has
overfitted to zeros. For the third camera she should use more images.""",
        "wrong": """\
The contrast is lower, so the learning rate was too large for the new images. After
more training steps it works.""",
    },
    "batch_norm-why-a-test": {
        "full": """\
A: randn has mean 0 and variance 1, and the running statistics start with 0 and 1. So
they are right without ever being updated.

B: weight is 1 and bias is 0 in a new layer, so ignoring them changes nothing.

C: there are 64 * 8 * 8 = 4096 values per channel, and 4096 / 4095 is almost 1, so the
biased and the unbiased variance agree to 0.01.

Better: x = 3 + 2 * torch.randn(2, 3, 2, 3), several batches, random weight and bias
copied into both layers, and a tolerance of 1e-5. Compare also the buffers.""",
        "partly": """\
B cannot be seen because weight is 1 and bias is 0. A cannot be seen because the batch
in eval mode is the same one as in training. C is a small difference. I would use
random weights and biases, another batch for eval, and a smaller tolerance.""",
        "little": """\
One batch is not enough, the test should be repeated many times with different random
numbers and sizes, because a test should cover as many cases as possible.""",
        "wrong": """\
Both layers are new, so they are initialized differently. One should set the same seed
before each of them.""",
    },
}
