"""What an invented class answers to the question on group norm."""

ANSWERS = {
    "group_norm-why-changed-network": {
        "full": """\
1. Same. 64 channels in reverse, so the groups are reversed too, but 60, 61, 62, 63
   are still together in one group and so on.
2. Changes. Channel 0 comes into the group of 5, 6, 7 and 4 comes to 1, 2, 3. Both
   groups get a new mean and variance.
3. Same. It is a complete group, the other groups never see its values. After the norm
   it was 0 anyway.
4. Changes. Weight 0 only acts after the normalization. The channel was still part of
   the mean and variance of its group, and now it is missing.""",
        "partly": """\
1. Same, because every group still has the same 4 channels.
2. Same, the order of the channels does not matter if you change it everywhere.
3. Same, these channels are 0 after the norm so nobody notices.
4. Changes, because the groups now have 3 channels instead of 4 and the means are
   taken without the deleted ones.""",
        "little": """\
1. changes, the groups are different
2. changes, the groups are different because 0 and 4 are in different groups
3. same
4. same, the deleted channels are 0""",
        "wrong": """\
All four stay the same. I tried number 1 and the output was equal, and it is the same
as with batch norm: you only rename or remove channels that are not used.""",
    },
}
