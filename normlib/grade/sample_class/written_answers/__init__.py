"""What an invented class answers in words, from the best answer to the worst.

``<topic>.py`` holds the answers to the topic's questions, where it has any.
"""

from importlib import import_module
from pkgutil import iter_modules

WRITTEN_ANSWERS = {
    question: answers
    for module in iter_modules(__path__)
    for question, answers in import_module(f"{__name__}.{module.name}").ANSWERS.items()
}
