"""What an invented class answers in words, from the best answer to the worst.

``<topic>.py`` holds the answers to the topic's questions.
"""

from importlib import import_module

from normlib.check.exercises import TOPICS

WRITTEN_ANSWERS = {
    question: answers
    for topic in TOPICS
    for question, answers in import_module(f"{__name__}.{topic}").ANSWERS.items()
}
