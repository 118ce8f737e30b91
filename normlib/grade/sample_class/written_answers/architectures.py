"""What an invented class answers to the question on norms in architectures."""

ANSWERS = {
    "architectures-why-turned": {
        "full": """\
First gamma has to go: it scales feature by feature, and Q mixes the features, so
scaling and turning can't be exchanged. Since a linear layer follows each norm, I put
diag(gamma) into its weight, which gives the same output.

Without gamma, RMS norm divides each row by its length. Q doesn't change lengths, so
norm(xQ) = norm(x)Q.

Everything that writes into the stream gets Q from the right: the embedding and the
last layer (with its bias) of each attention and MLP. Everything that reads from it
(also the final output layer) gets Q^T from the left. Q Q^T = I, so each layer sees
what it saw before.

tanh is taken of each number separately and is not linear: tanh(xQ) is something other
than tanh(x)Q, and no weight can fix that.""",
        "partly": """\
RMS norm only needs the length of a token, and a rotation keeps the length, so the
norm of the rotated token is the rotated norm. The gammas have to be multiplied into
the next weights first because they belong to single features. Then all layers that
read the stream are multiplied with Q^T to undo the rotation. With tanh this does not
work since tanh loses information for large values.""",
        "little": """\
gamma must be set to 1 before. Then all weights are multiplied by Q, and because Q is
orthogonal the norms stay the same.""",
        "wrong": """\
gamma must be rotated too, gamma Q, and then the outputs are the same up to a
rotation. With dynamic tanh the values are between -1 and 1, so they cannot be
rotated.""",
    },
}
