"""The completion script for fish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.completion.model import FILES, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tqcli.cli.completion.model import Command

_SCRIPT = r"""# Completion of tq for fish, as `tq --show-completion fish` prints it.

function __tq_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -l front
    set -l command ''
    set -l option ''
    set -l rest 0
    set -l given 0
    for place in (seq 2 (count $words))
        set -l word $words[$place]
        if test -n "$option"
            contains -- $option --context --server; and set -a front $option $word
            set option ''
        else if test "$word" = --
            set rest (math $place + 1)
            break
        else if string match -q -- '-*' $word
            string match -qr -- '^--(context|server)=' $word; and set -a front $word
            set -l kind (__tq_value "$command" "$word")
            test -n "$kind"; and set option $word
        else if contains -- "$command" @VERBATIM@
            set rest $place
            break
        else
            set -l longer (string trim -- "$command $word")
            if contains -- $longer @KNOWN@
                set command $longer
            else
                set given (math $given + 1)
            end
        end
    end
    if test -z "$option" -a $rest -eq 0; and not string match -q -- '-*' $current
        set rest (math (count $words) + 1)
    end
    if test $rest -gt 0; and contains -- "$command" @VERBATIM@
        set -l line (string escape -- $words[$rest..-1] | string join ' ')
        complete -C (string trim -l -- "$line $current")
    else if test -n "$option"
        __tq_reply "$program" (__tq_value "$command" "$option") "$current" $front
    else if string match -qr -- '^--[^=]+=' $current
        set -l parts (string split -m 1 -- = $current)
        set -l kind (__tq_value "$command" $parts[1])
        __tq_reply "$program" "$kind" "$parts[2]" $front | string replace -r '^' -- "$parts[1]="
    else if string match -q -- '-*' $current
        __tq_options "$command"
    else
        __tq_arguments "$command" $given | while read -l kind
            __tq_reply "$program" "$kind" "$current" $front
        end
    end
end

function __tq_reply -a program kind current
    switch $kind
        case '' text
        case file
            __fish_complete_path $current
        case toml
            __fish_complete_path $current | string match -r '^.*(?:\.toml|/)(?:\t.*)?$'
        case directory
            __fish_complete_directories $current ''
        case @DYNAMIC@
            type -q $program; and $program $argv[4..-1] __complete $kind "$current" 2>/dev/null
        case '=*'
            string split ' ' -- (string sub -s 2 -- $kind)
        case '*'
            echo $kind
    end
end

function __tq_options
    switch $argv[1]
@OPTIONS@
    end
end

function __tq_arguments
    switch "$argv[1] $argv[2]"
@ARGUMENTS@
    end
end

function __tq_value
    switch "$argv[1] $argv[2]"
@VALUES@
    end
end

complete -c tq -f -k -a '(__tq_complete)'
"""


def make_fish(commands: Sequence[Command], dynamic: Sequence[str]) -> str:
    """Return the script; `dynamic` are the kinds that the script asks tq for."""
    parts = {
        "VERBATIM": " ".join(command.words for command in commands if command.verbatim),
        "KNOWN": " ".join(_quote(command.words) for command in commands if command.words),
        "DYNAMIC": " ".join(dynamic),
        "OPTIONS": "\n".join(_options(commands)),
        "ARGUMENTS": "\n".join(_arguments(commands, dynamic)),
        "VALUES": "\n".join(_values(commands, dynamic)),
    }
    script = _SCRIPT
    for name, text in parts.items():
        script = script.replace(f"@{name}@", text)
    return script


def _options(commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        yield f"        case {_quote(command.words)}"
        for option in command.options:
            yield from (f"            echo {name}\\t{_quote(option.help)}" for name in option.names)


def _arguments(commands: Sequence[Command], dynamic: Sequence[str]) -> Iterator[str]:
    """Give what stands in an argument's place: commands with what they do, or the kind of the argument."""
    for command in commands:
        if command.commands:
            yield f"        case {_quote(f'{command.words} 0')}"
            yield from (f"            echo {name}\\t{_quote(help_line)}" for name, help_line in command.commands)
            continue
        for place, kind in enumerate(command.arguments):
            number = "*" if command.many and place == len(command.arguments) - 1 else str(place)
            yield f"        case {_quote(f'{command.words} {number}')}"
            yield f"            echo {_quote(_mark(kind, dynamic))}"


def _values(commands: Sequence[Command], dynamic: Sequence[str]) -> Iterator[str]:
    """Give a case for each kind of value, with the options that take it."""
    kinds: dict[str, list[str]] = {}
    for command in commands:
        for option in command.options:
            if option.kind:
                kinds.setdefault(_mark(option.kind, dynamic), []).extend(
                    _quote(f"{command.words} {name}") for name in option.names
                )
    for kind, patterns in kinds.items():
        yield "        case " + " \\\n            ".join(patterns)
        yield f"            echo {_quote(kind)}"


def _mark(kind: str, dynamic: Sequence[str]) -> str:
    """Return a kind of value; words to choose from are marked, as fish has no lists of lists."""
    return kind if kind in (*dynamic, *FILES, TEXT) else f"={kind}"


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
