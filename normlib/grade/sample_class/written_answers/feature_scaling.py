"""What an invented class answers to the questions on feature scaling."""

ANSWERS = {
    "feature_scaling-why-new-rows": {
        "full": """\
The one who clips no longer sees how far outside a value lies: 1.5 and 50 both become
1, and if a sensor drifts nobody notices.

The one who refits every day gives the same number another meaning every day. 0.3 was
40 kg when the model was trained and is 55 kg tomorrow, and the model cannot know.
Also, one row alone could not be scaled at all. I can think of one case where it is
fine: if a sensor starts with a random offset each morning, the offset is not
information, and removing it per day is what one wants.

I would keep the scaler from training, let the 1.5 through, and log how often values
leave [0, 1]. If it gets frequent, retrain both together.""",
        "partly": """\
1.5 means the new value is bigger than everything in the training set, which can
happen. If you clip it you lose how much bigger. If you fit the scaler again on the
new data, the model gets numbers that mean something different than in training. I
would not do either and keep the old scaler. I do not know when the second would be
right.""",
        "little": """\
Clipping is bad because you lose information. Fitting again is also bad because of
data leakage. I would use the standard scaler instead of min-max, it does not have
this problem.""",
        "wrong": """\
Min-max scaling always gives values between 0 and 1, so 1.5 must come from a bug in
the transform function and should be set to 1.""",
    },
    "feature_scaling-why-models": {
        "full": """\
1. Same. The tree compares the column with a threshold, and the threshold is learned
   in the new unit.
2. Different. The column now dominates the distance, so other points become nearest.
3. Same. The weight is divided by 1000, so weight times value is what it was.
4. Different. The penalty looks at the weights, and a weight that is 1000 times
   smaller is nearly free, so this column is shrunk less.""",
        "partly": """\
1. same, only the order matters for a tree
2. not the same, distances change
3. not the same, the coefficients are different
4. not the same because of the penalty, which depends on the unit""",
        "little": "The tree stays the same and the others change.",
        "wrong": """\
All of them predict the same, because multiplying by a constant does not add any
information.""",
    },
}
