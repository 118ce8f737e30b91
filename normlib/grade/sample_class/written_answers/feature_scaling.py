"""What an invented class answers to the questions on feature scaling."""

ANSWERS = {
    "feature_scaling-why-new-rows": {
        "full": """\
1. Own statistics. Hospital A: about the same share. If everything is multiplied by 1.2,
the mean and the std are too, and it cancels in (x - mean) / std. Hospital B: a smaller
share. Half of the patients are ill, so the clinic's mean is much higher than in the
training hospitals, and a typical ill patient is only a little above it.

2. One scaler. A: a larger share, because everybody looks 20 % more ill than they are
(also the healthy ones, so there will be false alarms). B: the same as in training,
because the same value gives the same z-score.

We need a scaler per device that does not look at the patients. Every hospital could
measure the same bottles of control blood, and the mean and std of those are used.""",
        "partly": """\
With own statistics A is fine, the factor cancels. B is not fine: the ill people are
half of the data so they pull up the mean, and look normal. With one scaler A finds too
many. I am not sure about B. I would use own statistics in A and one scaler in B.""",
        "little": """\
Own statistics are data leakage because the scaler must only be fitted on the training
data. So with own statistics both find a smaller share and with one scaler both are the
same. I would always use the scaler from training.""",
        "wrong": """\
The model was trained on values standardized per hospital, so if A and B do the same it
works the same for both of them.""",
    },
    "feature_scaling-why-models": {
        "full": """\
1. Same. Only differences count and both rows get the same 273.15.
2. Same. The constant makes up for it and has no penalty, the weight stays.
3. Different. The mean of the column is huge now, so it is like a second column of ones
   and the curvature is larger, so the steps are smaller and 100 are not enough.
4. Different. All rows now point along the temperature axis, so the angles change.""",
        "partly": """\
1. same, distances don't change
2. not the same, because of the penalty, which depends on the unit
3. not the same, the column is not centered any more
4. the same, it is also a nearest neighbor method""",
        "little": "They all stay the same except gradient descent.",
        "wrong": """\
All of them predict the same, because a temperature is the same temperature in every
unit.""",
    },
}
