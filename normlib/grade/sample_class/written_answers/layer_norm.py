"""What an invented class answers to the questions on layer norm."""

ANSWERS = {
    "layer_norm-why-glance-ahead": {
        "full": """\
All words of the text share one mean and one variance, because he normalizes over
(T, D).

1) The last word is in the mean and the variance, and these are used for the second word
too. So information goes from later words to earlier ones, around the attention mask.
2) With every new word the mean and the variance of the text are different, so all the
earlier words are normalized differently and what was computed before is wrong.
3) The padding zeros are averaged in as well, and how many there are depends on the
longest text of the batch.

With the repair and the padding at the end everything is fine: what comes after a word
is not in its statistics any more, no matter if it is a word or a zero. With the padding
in front, number 3 is still there, because then the zeros come before all the words and
every word counts them.""",
        "partly": """\
The mean is taken over time, so it contains the future words. If the last word changes,
the mean changes and then the second word changes as well. This is leakage. Padding
changes the mean too because of the zeros. For number 2 I think it is because the model
was trained on longer texts. The repair helps against 1 and 3 since only earlier words
are used, and it makes no difference where the padding is.""",
        "little": """\
The normalization is over the wrong axes. He should use axis=-1 as in torch, then the
shapes fit to gamma. The repair does not help because the axes are still wrong.""",
        "wrong": """\
The attention mask must be wrong. If the mask were right, no word could see later words,
and the padding must also be masked in the attention. Layer norm has nothing to do with
it because it has no running statistics.""",
    },
}
