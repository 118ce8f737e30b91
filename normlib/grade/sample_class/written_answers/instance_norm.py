"""What an invented class answers to the questions on instance norm."""

ANSWERS = {
    "instance_norm-why-constant": {
        "full": """\
Instance norm sets the mean of every channel of every image to 0. Global average
pooling computes exactly this mean, so the linear layer gets a vector of zeros for each
leaf and answers with its bias, always the same.

Because the pooled values do not change when the image or the weights below change,
the gradient there is zero and the convolutions never learn. Only the bias does.

The best constant guess for ten classes of the same size is 1/10 each, and the cross
entropy of that is -ln(0.1) = 2.303.

He should put the ReLU back. After a ReLU the mean is taken over the positive values
only, and that depends on how the values are distributed in the channel, so it is
different for different images. Batch norm instead of the last instance norm would
work too.""",
        "partly": """\
After instance norm the mean of each channel is 0, and average pooling takes the mean,
so the linear layer always gets zeros. 2.303 is ln(10), that is guessing. He should use
affine=True, because then gamma and beta can restore the mean.""",
        "little": """\
2.303 is the natural logarithm of 10, so the network is only guessing between the ten
classes. Probably the gradients vanish because there are too many blocks.""",
        "wrong": """\
Instance norm does not work for classification. The learning rate should be changed
during training with a scheduler, then the loss would get below 2.303.""",
    },
    "instance_norm-why-fog": {
        "full": """\
Instance norm removes the mean and the standard deviation of each channel of each
single image, which is its brightness, color and contrast. Batch norm only removes the
average of the batch, so a dark image stays darker than the others.

For the woodcut network this is good, since the contrast of the result should come from
the woodcut and not from the photo. A dim photo looks like a normal one to it.

For the weather it is bad: fog means low contrast and dusk means dark, and all images
show the same road. After the first layer the three classes look almost the same.

They could use batch norm in the first layers and instance norm only later, or use
instance norm for half of the channels.""",
        "partly": """\
Instance norm takes the contrast and brightness of each image away. In style transfer
you want to replace the style, so that helps. But the weather network needs the
contrast to see fog. They should train longer or with more images of fog.""",
        "little": """\
Fog is low contrast, and the network of the second team cannot see it any more. They
should increase the contrast of the images before they go into the network.""",
        "wrong": """\
Style transfer uses a batch size of 1, so batch norm cannot work there. The second team
has large batches, so for them batch norm is better.""",
    },
}
