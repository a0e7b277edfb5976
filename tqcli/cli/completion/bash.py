"""The completion script for bash (4.4 or newer)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tqcli.cli.completion.model import Command

_SCRIPT = r"""# Completion of tq for bash, as `tq --show-completion bash` prints it.
# shellcheck shell=bash

_tq() {
    local current=$2 command='' option='' word='' kind='' place rest=0
    local -a front=()
    local -i given=0
    for ((place = 1; place < COMP_CWORD; place++)); do
        word=${COMP_WORDS[place]}
        if [[ $option ]]; then
            # bash takes --queue=NAME for three words.
            [[ $word == = ]] && continue
            [[ $option == --context || $option == --server ]] && front+=("$option" "$word")
            option=''
        elif [[ $word == -- ]]; then
            rest=$((place + 1))
            break
        elif [[ $word == -* ]]; then
            _tq_value "$command" "$word"
            [[ $kind ]] && option=$word
        elif [[ $command && " @VERBATIM@ " == *" $command "* ]]; then
            rest=$place
            break
        elif _tq_known "${command:+$command }$word"; then
            command+=${command:+ }$word
        else
            given+=1
        fi
    done
    [[ $option && $current == = ]] && current=''
    COMPREPLY=()
    if [[ ! $option && $current != -* ]] && ((!rest)); then
        rest=$COMP_CWORD
    fi
    if ((rest)) && [[ " @VERBATIM@ " == *" $command "* ]]; then
        _tq_command "$rest" "$current"
    elif [[ $option ]]; then
        _tq_value "$command" "$option"
        _tq_reply "$1" "$kind" "$current"
    elif [[ $current == -* ]]; then
        _tq_options "$command"
        _tq_reply "$1" "$kind" "$current"
    else
        _tq_arguments "$command" "$given"
        _tq_reply "$1" "$kind" "$current"
    fi
}

# What follows is the user's own command.
_tq_command() {
    if declare -F _command_offset > /dev/null; then
        _command_offset "$1"
    elif ((COMP_CWORD == $1)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$2")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$2")
    fi
}

_tq_reply() {
    case $2 in
    '' | text) ;;
    file | directory)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -A "$2" -- "$3")
        ;;
    toml)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -A directory -- "$3"; compgen -f -X '!*.toml' -- "$3")
        ;;
    @DYNAMIC@)
        compopt -o nosort
        mapfile -t COMPREPLY < <("$1" "${front[@]}" __complete "$2" "$3" 2> /dev/null | cut -f 1)
        ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$2" -- "$3") ;;
    esac
}

_tq_known() {
    case $1 in
    @KNOWN@) return 0 ;;
    *) return 1 ;;
    esac
}

_tq_options() {
    case $1 in
@OPTIONS@
    esac
}

_tq_arguments() {
    case "$1 $2" in
@ARGUMENTS@
    *) kind='' ;;
    esac
}

_tq_value() {
    case "$1 $2" in
@VALUES@
    *) kind='' ;;
    esac
}

complete -F _tq tq
"""


def make_bash(commands: Sequence[Command], dynamic: Sequence[str]) -> str:
    """Return the script; `dynamic` are the kinds that the script asks tq for."""
    parts = {
        "VERBATIM": " ".join(command.words for command in commands if command.verbatim),
        "DYNAMIC": " | ".join(dynamic),
        "KNOWN": " | ".join(f"'{command.words}'" for command in commands if command.words),
        "OPTIONS": "\n".join(_options(commands)),
        "ARGUMENTS": "\n".join(_arguments(commands)),
        "VALUES": "\n".join(_values(commands)),
    }
    script = _SCRIPT
    for name, text in parts.items():
        script = script.replace(f"@{name}@", text)
    return script


def _options(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        names = " ".join(name for option in command.options for name in option.names)
        yield f"    '{command.words}') kind='{names}' ;;"


def _arguments(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        names = " ".join(name for name, _ in command.commands)
        kinds = (names,) if names else command.arguments
        for place, kind in enumerate(kinds):
            every = command.many and place == len(kinds) - 1
            pattern = f"'{command.words} '*" if every else f"'{command.words} {place}'"
            yield f"    {pattern}) kind='{kind}' ;;"


def _values(commands: Sequence[Command]) -> Iterator[str]:
    """Give a line for each kind of value, with the options that take it."""
    kinds: dict[str, list[str]] = {}
    for command in commands:
        for option in command.options:
            if option.kind:
                kinds.setdefault(option.kind, []).extend(f"'{command.words} {name}'" for name in option.names)
    for kind, patterns in kinds.items():
        yield "    " + " | \\\n        ".join(patterns) + f") kind='{kind}' ;;"
