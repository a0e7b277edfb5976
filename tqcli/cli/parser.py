"""The command line of one command, read: words in, values out, as GNU getopt and docker do.

`--name value`, `--name=value`, `-n value`, `-nvalue`, and flags together as in `-fv`. Options may stand after
arguments, up to `--`. Where the last argument is the user's own command, its first word ends the options, as in
`docker run`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from tqcli.cli.parameter import Argument, Option
from tqcli.core.names import quote
from tqcli.core.nearest import nearest
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqcli.cli.parameter import Parameter


_SHORTEST_WORD = 4


class Words(NamedTuple):
    """What the words of a command line were taken for."""

    given: list[tuple[Parameter, str | None]]
    arguments: list[str]


class Parser:
    """Reads the words of one command, whose name (`tq logs`) is for the messages."""

    def __init__(self, name: str, parameters: Sequence[Parameter]) -> None:
        """Take the parameters of the command."""
        self._name = name
        self._parameters = parameters
        self._options = {
            name: parameter
            for parameter in parameters
            if isinstance(parameter.marker, Option)
            for name in parameter.marker.names
        }
        self._arguments = [parameter for parameter in parameters if isinstance(parameter.marker, Argument)]
        last = self._arguments[-1].marker if self._arguments else None
        self._takes_command = isinstance(last, Argument) and last.verbatim

    def parse(self, words: Sequence[str]) -> dict[tuple[str, ...], Any]:
        """Return the values that were given, by path.

        Raises:
            InvalidInput: an unknown option, a value that is wrong or missing, a word too many or too few.
        """
        found = Words([], [])
        self._split(words, found)
        texts: dict[Parameter, list[str | None]] = {}
        for parameter, text in found.given:
            texts.setdefault(parameter, []).append(text)
        values = {parameter.path: self._value(parameter, given) for parameter, given in texts.items()}
        values.update(self._place(found.arguments))
        self._check_complete(values)
        return values

    def asks_for_help(self, words: Sequence[str]) -> bool:
        """Return whether `-h` is among the options, whatever else may be wrong with the line."""
        found = Words([], [])
        with suppress(InvalidInput):
            self._split(words, found)
        return any(parameter.shown == "--help" for parameter, _ in found.given)

    def _split(self, words: Sequence[str], found: Words) -> None:
        rest = list(reversed(words))
        while rest:
            word = rest.pop()
            if word == "--":
                break
            if word.startswith("--"):
                self._take_long(word, rest, found)
            elif word.startswith("-") and word != "-":
                self._take_short(word, rest, found)
            else:
                found.arguments.append(word)
                if self._takes_command and len(found.arguments) >= len(self._arguments):
                    break
        found.arguments.extend(reversed(rest))

    def _take_long(self, word: str, rest: list[str], found: Words) -> None:
        name, equals, text = word.partition("=")
        option = self._find(name)
        if option.flag:
            if equals:
                msg = f"{name} takes no value, but {quote(text)} was given"
                raise InvalidInput(msg, hint=f"write {name} alone")
            found.given.append((option, None))
        elif equals:
            found.given.append((option, text))
        else:
            found.given.append((option, self._next(name, option, rest)))

    def _take_short(self, word: str, rest: list[str], found: Words) -> None:
        for place, letter in enumerate(word[1:], start=1):
            option = self._find(f"-{letter}", word)
            if option.flag:
                found.given.append((option, None))
                continue
            text = word[place + 1 :]
            found.given.append((option, text.removeprefix("=") if text else self._next(f"-{letter}", option, rest)))
            return

    def _find(self, name: str, word: str | None = None) -> Parameter:
        option = self._options.get(name)
        if option is not None:
            return option
        within = f" (in {quote(word)})" if word not in {None, name} else ""
        msg = f"{self._name} has no option {quote(name)}{within}"
        # A word in one dash, as in -timeout, may be meant as a long option; a few letters are flags.
        meant = name if word is None else f"-{word}" if len(word) >= _SHORTEST_WORD else ""
        near = nearest(meant, [known for known in self._options if known.startswith("--")])
        hint = f"did you mean {near}?" if near else f"`{self._name} -h` lists its options"
        if self._takes_command and not near:
            hint += "; what belongs to your command comes after --"
        raise InvalidInput(msg, hint=hint)

    def _next(self, name: str, option: Parameter, rest: list[str]) -> str:
        marker = option.marker
        if isinstance(marker, Option) and marker.implied is not None and (not rest or rest[-1].startswith("-")):
            return marker.implied
        # `--` is nobody's value: `tq run --name -- echo` lacks one.
        if not rest or rest[-1] == "--":
            msg = f"{name} needs a value"
            raise InvalidInput(msg, hint=f"write {name} {option.metavar}")
        return rest.pop()

    def _value(self, parameter: Parameter, texts: list[str | None]) -> object:
        if parameter.flag:
            return True
        values = [self._read(parameter, text or "") for text in texts]
        return values if parameter.many else values[-1]

    def _read(self, parameter: Parameter, text: str) -> object:
        try:
            return parameter.parse(text)
        except InvalidInput as error:
            msg = f"{parameter.shown}: {error.message}"
            raise InvalidInput(msg, hint=error.hint) from error

    def _place(self, words: list[str]) -> dict[tuple[str, ...], object]:
        """Return the arguments by path: one word each, the last takes all where it may have many."""
        values: dict[tuple[str, ...], object] = {}
        rest = list(words)
        for parameter in self._arguments:
            if not rest:
                break
            if parameter.many:
                values[parameter.path] = [self._read(parameter, word) for word in rest]
                rest = []
            else:
                values[parameter.path] = self._read(parameter, rest.pop(0))
        if rest:
            msg = f"{self._name} has no use for {quote(' '.join(rest))}"
            raise InvalidInput(msg, hint=f"`{self._name} -h` shows what it takes")
        return values

    def _check_complete(self, values: dict[tuple[str, ...], Any]) -> None:
        for parameter in self._parameters:
            if parameter.required and parameter.path not in values:
                msg = f"{self._name} needs {parameter.shown}"
                raise InvalidInput(msg, hint=f"`{self._name} -h` shows an example")
