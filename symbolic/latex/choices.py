"""What a formula leaves open: questions, their answers, and every way to answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .trees import LatexError

MOST_READINGS = 24
"""Readings of one formula that are gone through."""

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Question:
    """What is open, and what it may mean, the first being what is read unless something else is
    said."""

    text: str
    options: tuple[str, ...]


@dataclass
class Choices:
    """One reading: an answer to every question that comes up on the way.

    `given` are answers that somebody gave beforehand, by a part of the question's text; what they
    answer is not open any more.
    """

    taken: Mapping[str, int]
    given: Mapping[str, str] = field(default_factory=dict)
    asked: dict[str, Question] = field(default_factory=dict)

    def ask(self, text: str, options: Sequence[str]) -> int:
        """The number of the option that this reading takes."""
        question = Question(text, tuple(options))
        given = _given(question, self.given)
        if given is not None:
            return given
        self.asked.setdefault(text, question)
        return self.taken.get(text, 0)

    @property
    def answers(self) -> dict[str, str]:
        return {text: question.options[self.taken.get(text, 0)]
                for text, question in self.asked.items()}


def readings(
    make: Callable[[Choices], _Made], answers: Mapping[str, str] | None = None
) -> Iterator[tuple[Choices, _Made]]:
    """What `make` makes of every combination of answers; `answers` are given beforehand, by a part
    of the question's text.  LatexError where there are too many to go through.
    """
    waiting: list[dict[str, int]] = [{}]
    seen = 0
    while waiting and seen < MOST_READINGS:
        taken = waiting.pop(0)
        choices = Choices(taken, answers or {})
        made = make(choices)
        seen += 1
        fresh = [question for text, question in choices.asked.items() if text not in taken]
        yield choices, made
        for place, question in enumerate(fresh):
            before = {**taken, **{q.text: 0 for q in fresh[:place]}}
            waiting += [{**before, question.text: option}
                        for option in range(1, len(question.options))]
    if waiting:
        raise LatexError(f"there are more than {MOST_READINGS} ways to read it; write it in more "
                         "detail, or answer some questions beforehand")


def _given(question: Question, answers: Mapping[str, str]) -> int | None:
    for part, answer in answers.items():
        if part in question.text:
            for place, option in enumerate(question.options):
                if answer in option:
                    return place
    return None
