"""What an invented class answers to the questions on batch norm."""

ANSWERS = {
    "batch_norm-why-sorted": {
        "full": """\
1. The new camera does the same to every pixel, so every unit of the first linear
layer is also multiplied by 0.5 and shifted by a constant that is the same for all
images. Batch norm with statistics of the new camera subtracts the shift and divides
by the smaller deviation, so after the first batch norm everything is as before.
That's why it is the same number and not only a similar one.

2. Only the first layer's. There the variance is 0.25 times the old one and the mean
is half plus something. The second and third layer get the same values as with the old
camera because the first batch norm normalizes with the batch in training mode, so
their statistics are the same too.

3. It will not help, because there is one mean and one variance for all images, but
every image would need its own.

4. No. The ReLU comes first and cuts at zero, and with the shift it cuts off other
values than before. You can't get them back by subtracting and dividing afterward.""",
        "partly": """\
1. The running statistics belong to the old camera, so the network gets numbers with
the wrong mean and variance. With new statistics they fit again.
2. In the first layer the mean and the variance are different, the variance should be
a quarter. In the other layers they change a little less.
3. I think it will help a little, because the average camera is closer than the old
one.
4. It does not work, since the ReLU is not linear and sees the shifted values.""",
        "little": """\
The network has adapted to the new camera by seeing its images. All statistics are
different because all images are different. For the third camera she should use more
images. The second network works as well, the order makes no difference.""",
        "wrong": """\
The contrast is lower, so the learning rate was too large for the new images. After
more training steps it works.""",
    },
}
