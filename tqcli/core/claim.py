"""A claim: which delivery a running attempt holds. It is written into the record, and into the child's environment."""

from __future__ import annotations

from typing import NamedTuple


class Claim(NamedTuple):
    """The job's message, by its sequence in the stream, and a random token that makes the claim unique."""

    sequence: int
    token: str

    def __str__(self) -> str:
        """Return the form that records carry."""
        return f"{self.sequence}.{self.token}"

    @classmethod
    def parse(cls, text: str) -> Claim:
        """Return the claim that a record carries; what is none gets sequence 0, which no message has.

        >>> Claim.parse("17.ab3f")
        Claim(sequence=17, token='ab3f')
        """
        number, _, token = text.partition(".")
        return cls(int(number) if number.isdecimal() and number.isascii() else 0, token)
