"""What an invented class answers to the questions on feature scaling."""

ANSWERS = {
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
