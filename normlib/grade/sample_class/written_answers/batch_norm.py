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
}
