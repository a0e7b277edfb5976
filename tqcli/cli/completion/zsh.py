"""The completion script for zsh."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tqcli.cli.completion.model import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tqcli.cli.completion.model import Choice, Command

_SCRIPT = r"""#compdef tq
# Completion of tq for zsh, as `tq --show-completion zsh` prints it: on the fpath as _tq, or sourced.

_tq() {
    local curcontext=$curcontext state program=$words[1] ret=1
    local -a line front
    local -A opt_args
    _arguments -C -s -S \
@TOP@
        '(-): :->command' '(-)*:: :->words' && ret=0
    front=(
        ${opt_args[--context]:+--context=$opt_args[--context]}
        ${opt_args[--server]:+--server=$opt_args[--server]}
    )
    case $state in
    command)
        local -a commands=(
@COMMANDS@
        )
        _describe -t commands 'tq command' commands && ret=0
        ;;
    words)
        curcontext=${curcontext%:*:*}:tq-$words[1]:
        (( $+functions[_tq_$words[1]] )) && _tq_$words[1] && ret=0
        ;;
    esac
    return ret
}

# What comes from tq itself. The kind is the last argument: _arguments puts options for compadd before it.
_tq_ask() {
    local kind=$argv[-1]
    local -a found
    found=(${(f)"$($program $front __complete $kind $PREFIX 2> /dev/null)"})
    found=(${${found//:/\\:}/$'\t'/:})
    _describe -V -t ${kind}s $kind found
}
@FUNCTIONS@
if [[ $funcstack[1] == _tq ]]; then
    _tq "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _tq tq
fi
"""

_GROUP = r"""
_tq_@NAME@() {
    local state ret=1
    local -a line
    _arguments -C -s -S \
@OPTIONS@
        '(-): :->command' '(-)*:: :->words' && ret=0
    case $state in
    command)
        local -a commands=(
@COMMANDS@
        )
        _describe -t commands 'tq @NAME@ command' commands && ret=0
        ;;
    words) (( $+functions[_tq_@NAME@_$words[1]] )) && _tq_@NAME@_$words[1] && ret=0 ;;
    esac
    return ret
}
"""

_LEAF = r"""
_tq_@NAME@() {
    _arguments -s -S@STOP@ \
@OPTIONS@@ARGUMENTS@
}
"""


def make_zsh(commands: Sequence[Command], dynamic: Sequence[str]) -> str:
    """Return the script; `dynamic` are the kinds that the script asks tq for."""
    top, *others = commands
    functions = "".join(_function(command, dynamic) for command in others)
    script = _SCRIPT.replace("@TOP@", _options(top, dynamic)).replace("@COMMANDS@", _commands(top))
    return script.replace("@FUNCTIONS@", functions)


def _function(command: Command, dynamic: Sequence[str]) -> str:
    options = _options(command, dynamic)
    name = command.words.replace(" ", "_")
    if command.commands:
        text = _GROUP.replace("@OPTIONS@", options).replace("@COMMANDS@", _commands(command))
    else:
        arguments = " \\\n".join(f"        {spec}" for spec in _arguments(command, dynamic))
        text = _LEAF.replace("@STOP@", " -A '-*'" if command.verbatim else "")
        text = text.replace("@OPTIONS@", options.removesuffix(" \\") if not arguments else f"{options}\n")
        text = text.replace("@ARGUMENTS@", arguments)
    return text.replace("@NAME@", name)


def _arguments(command: Command, dynamic: Sequence[str]) -> Iterator[str]:
    """Give the specs of the arguments, in the grammar of `_arguments`."""
    if command.verbatim:
        yield "'(-)*::: :_normal'"
        return
    for place, kind in enumerate(command.arguments, start=1):
        where = "*" if command.many and place == len(command.arguments) else str(place)
        yield f"'{where}: :{_action(kind, dynamic)}'"


def _options(command: Command, dynamic: Sequence[str]) -> str:
    return "\n".join(f"        {spec} \\" for option in command.options for spec in _specs(option, dynamic))


def _specs(option: Choice, dynamic: Sequence[str]) -> Iterator[str]:
    """Give the specs of an option, in the grammar of `_arguments`."""
    tail = f"[{_escape(option.help)}]"
    if option.kind:
        tail += f":{_escape(option.metavar)}:{_action(option.kind, dynamic)}"
    others = "*" if option.many else f"({' '.join(option.names)})"
    for name in option.names:
        suffix = "" if not option.kind else "=" if name.startswith("--") else "+"
        yield _quote(f"{others}{name}{suffix}{tail}")


def _action(kind: str, dynamic: Sequence[str]) -> str:
    if kind in dynamic:
        return f"_tq_ask {kind}"
    if kind == "file":
        return "_files"
    if kind == "directory":
        return "_files -/"
    if kind == "toml":
        return '_files -g "*.toml"'
    return "" if kind == TEXT else f"({kind})"


def _commands(command: Command) -> str:
    return "\n".join(f"            {_quote(f'{name}:{help_line}')}" for name, help_line in command.commands)


def _escape(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
