"""The pages for marking, as templates make them."""

from collections.abc import Iterable
from html import escape

from markupsafe import Markup

from normlib.grade import templates
from normlib.grade.bridge.markdown import page_html
from normlib.grade.marking.answers import Answer, Answers
from normlib.grade.marking.questions import Question
from normlib.grade.submission import limited

_LONGEST = 20_000  # characters of an answer that are shown
_KEYS = 10  # points that have a key of their own
_REUSED = 9  # comments that have one


def listed(answers: Answers, known: Iterable[Question]) -> str:
    """The questions, and how far each is."""
    rows = []
    for question in known:
        found, lost = answers.of(question)
        rows.append(
            {
                "question": question,
                "students": sum(len(a.marks) for a in found.values()),
                "distinct": len(found),
                "waits": sum(a.waits for a in found.values()),
                "lost": len(lost),
            }
        )
    return templates.render("mark_list.html", rows=rows, part=answers.part)


def nothing(question: Question, lost: list[str]) -> str:
    """That there is no answer to a question."""
    return templates.render("mark_nothing.html", question=question, lost=len(lost))


def answer(
    question: Question, found: dict[str, Answer], key: str, said: list[str], book: str
) -> str:
    """One of the answers ``found``, beside the scheme."""
    keys, one = list(found), found[key]
    place = keys.index(key)
    after = keys[place + 1 :] + keys[:place]
    return templates.render(
        "mark.html",
        question=question,
        asked=_ours(question.asked, book),
        model=_ours(question.model, book),
        scheme=_ours(question.scheme, book),
        answer=one,
        html=shown(one, book),
        place=place + 1,
        of=len(keys),
        waits=sum(a.waits for a in found.values()),
        previous=keys[place - 1] if place else None,
        next=keys[place + 1] if place + 1 < len(keys) else None,
        unmarked=next((k for k in after if found[k].waits), None),
        points=next(iter(one.points)) if len(one.points) == 1 else None,
        choices=question.choices,
        keyed=_KEYS,
        said=said[:_REUSED],
    )


def _ours(source, book):
    return Markup(page_html(source, {}, True, book)) if source else ""


def shown(one: Answer, book: str) -> Markup:
    """What a student wrote, without its HTML; as typed where that takes too long."""
    if not one.source.strip() and not one.attachments:
        return Markup('<p class="quiet">Nothing but white space.</p>')
    try:
        if len(one.source) > _LONGEST:
            raise limited.Failed(f"is longer than {_LONGEST} characters")
        what = one.source, one.attachments, False, book
        return Markup(limited.call(page_html, *what))
    except limited.Failed as failed:
        note = f"Shown as it was typed, since it {failed}."
        text = escape(one.source[:_LONGEST])
        return Markup(f'<p class="quiet">{escape(note)}</p><pre>{text}</pre>')
