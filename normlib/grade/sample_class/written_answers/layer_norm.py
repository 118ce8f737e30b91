"""What an invented class answers to the questions on layer norm."""

ANSWERS = {
    "layer_norm-why-glance-ahead": {
        "full": """\
All words of the text share one mean and one variance, because he normalizes over
(T, D). Layer norm should take them over D only, for each word by itself.

1) The last word is in the mean and the variance, and these are used for the second word
too. So information goes from later words to earlier ones, around the attention mask.
2) With every new word the mean and the variance of the text are different, so all the
earlier words are normalized differently and what was computed before is wrong.
3) The padding zeros are averaged in as well, and how many there are depends on the
longest text of the batch.

With layer norm a word is normalized with its own D features only, so other words, new
words or zeros cannot change it.""",
        "partly": """\
The mean is taken over time, so it contains the future words. If the last word changes,
the mean changes and then the second word changes as well. This is leakage. Padding
changes the mean too because of the zeros. He should normalize every token over its
features. For number 2 I think it is because the model was trained on longer texts.""",
        "little": """\
The normalization is over the wrong axes. He should use axis=-1 as in torch, then the
shapes fit to gamma.""",
        "wrong": """\
The attention mask must be wrong. If the mask were right, no word could see later words,
and the padding must also be masked in the attention. Layer norm has nothing to do with
it because it has no running statistics.""",
    },
}
