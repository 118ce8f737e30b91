"""What an invented class answers to the question on group norm."""

ANSWERS = {
    "group_norm-why-four-networks": {
        "full": """\
1. Group norm with several channels per group. 2 volumes are too few for batch norm
   in the deep layers, and at test time the running statistics would not fit.
2. Batch norm. After training mean and variance are fixed numbers, so it can be merged
   into the convolution and costs nothing on the phone. 256 images are enough.
3. Batch norm. Group norm would subtract the mean of each image and that is exactly
   the brightness we want to know. Batch norm only subtracts the mean of all images.
4. Group norm, with one sample at a time there is no batch to take a mean over.""",
        "partly": """\
1. Group norm because the batch is small.
2. Batch norm because the batch is large, large batches are always better for batch
   norm.
3. Group norm with one channel per group, because the images have very different
   brightness and this makes them comparable.
4. Group norm, the batch size is 1 so batch norm would give 0 everywhere.""",
        "little": """\
1. Group norm
2. Batch norm, it is faster on the phone since nothing has to be computed from the image
3. Group norm
4. Layer norm""",
        "wrong": """\
Batch norm for all of them, because it has the lowest error on ImageNet. For small
batches one can use a smaller momentum.""",
    },
}
