# Completion of tq for bash, as `tq --show-completion bash` prints it.
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
        elif [[ $command && " run submit " == *" $command "* ]]; then
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
    if ((rest)) && [[ " run submit " == *" $command "* ]]; then
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
    queue | job | agent | schedule | context | zone)
        compopt -o nosort
        mapfile -t COMPREPLY < <("$1" "${front[@]}" __complete "$2" "$3" 2> /dev/null | cut -f 1)
        ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$2" -- "$3") ;;
    esac
}

_tq_known() {
    case $1 in
    'run' | 'submit' | 'status' | 'ls' | 'logs' | 'wait' | 'result' | 'start' | 'cancel' | 'retry' | 'schedule' | 'schedule add' | 'schedule ls' | 'schedule show' | 'schedule next' | 'schedule pause' | 'schedule resume' | 'schedule run' | 'schedule history' | 'schedule rm' | 'schedule backfill' | 'schedule apply' | 'cron' | 'cron import' | 'agent' | 'agents' | 'agents drain' | 'queue' | 'queue ls' | 'queue add' | 'queue rm' | 'queue pause' | 'queue resume' | 'queue limit' | 'queue purge' | 'init' | 'doctor' | 'up' | 'down' | 'context' | 'context add' | 'context ls' | 'context use' | 'context show' | 'context rm') return 0 ;;
    *) return 1 ;;
    esac
}

_tq_options() {
    case $1 in
    '') kind='--version --show-completion --install-completion --context --server --json --debug -h --help' ;;
    'run') kind='-q --queue -n --name --priority -f --file --retries --backoff --retry-on --no-retry-on --timeout --grace --expires --max-losses -e --env --cwd --stdin --shell --py --arg --args --isolation --key --in --at --context --server --json --debug -h --help' ;;
    'submit') kind='-q --queue -n --name --priority -f --file --retries --backoff --retry-on --no-retry-on --timeout --grace --expires --max-losses -e --env --cwd --stdin --shell --py --arg --args --isolation --key --in --at --array --each-line --wait --follow --context --server --json --debug -h --help' ;;
    'status') kind='--context --server --json --debug -h --help' ;;
    'ls') kind='-s --state -q --queue -n --name --since -l --limit --context --server --json --debug -h --help' ;;
    'logs') kind='-f --follow --tail --since --attempt --stdout --stderr --timestamps --prefix --context --server --json --debug -h --help' ;;
    'wait') kind='--any --timeout --context --server --json --debug -h --help' ;;
    'result') kind='--context --server --json --debug -h --help' ;;
    'start') kind='--context --server --json --debug -h --help' ;;
    'cancel') kind='--context --server --json --debug -h --help' ;;
    'retry') kind='--failed --context --server --json --debug -h --help' ;;
    'schedule') kind='--context --server --json --debug -h --help' ;;
    'schedule add') kind='--cron --tz --dst --every --at --jitter --until --max-runs --overlap --catch-up --paused --note -q --queue -n --name --priority -f --file --retries --backoff --retry-on --no-retry-on --timeout --grace --expires --max-losses -e --env --cwd --stdin --shell --py --arg --args --isolation --replace --context --server --json --debug -h --help' ;;
    'schedule ls') kind='--context --server --json --debug -h --help' ;;
    'schedule show') kind='--context --server --json --debug -h --help' ;;
    'schedule next') kind='--cron --tz --dst -n --number --context --server --json --debug -h --help' ;;
    'schedule pause') kind='--note --context --server --json --debug -h --help' ;;
    'schedule resume') kind='--context --server --json --debug -h --help' ;;
    'schedule run') kind='--context --server --json --debug -h --help' ;;
    'schedule history') kind='-n --number --context --server --json --debug -h --help' ;;
    'schedule rm') kind='--context --server --json --debug -h --help' ;;
    'schedule backfill') kind='--from --to --dry-run --context --server --json --debug -h --help' ;;
    'schedule apply') kind='--prune --dry-run --context --server --json --debug -h --help' ;;
    'cron') kind='--context --server --json --debug -h --help' ;;
    'cron import') kind='--system --prefix --paused --replace --dry-run --context --server --json --debug -h --help' ;;
    'agent') kind='--isolation --worker-jobs --worker-memory -q --queue -c --slots --name --context --server --json --debug -h --help' ;;
    'agents') kind='--context --server --json --debug -h --help' ;;
    'agents drain') kind='--context --server --json --debug -h --help' ;;
    'queue') kind='--context --server --json --debug -h --help' ;;
    'queue ls') kind='--context --server --json --debug -h --help' ;;
    'queue add') kind='--context --server --json --debug -h --help' ;;
    'queue rm') kind='--context --server --json --debug -h --help' ;;
    'queue pause') kind='--for --context --server --json --debug -h --help' ;;
    'queue resume') kind='--context --server --json --debug -h --help' ;;
    'queue limit') kind='--context --server --json --debug -h --help' ;;
    'queue purge') kind='-y --yes --context --server --json --debug -h --help' ;;
    'init') kind='--replicas --context --server --json --debug -h --help' ;;
    'doctor') kind='--monitor --fix --context --server --json --debug -h --help' ;;
    'up') kind='--sync -c --slots --context --server --json --debug -h --help' ;;
    'down') kind='--context --server --json --debug -h --help' ;;
    'context') kind='--context --server --json --debug -h --help' ;;
    'context add') kind='--user --password --token --creds --nkey --tls-ca --tls-cert --tls-key --namespace --use --replace --no-check --server --context --json --debug -h --help' ;;
    'context ls') kind='--context --server --json --debug -h --help' ;;
    'context use') kind='--context --server --json --debug -h --help' ;;
    'context show') kind='--context --server --json --debug -h --help' ;;
    'context rm') kind='--context --server --json --debug -h --help' ;;
    esac
}

_tq_arguments() {
    case "$1 $2" in
    ' 0') kind='run submit status ls logs wait result start cancel retry schedule cron agent agents queue init doctor up down context' ;;
    'run '*) kind='text' ;;
    'submit '*) kind='text' ;;
    'status '*) kind='job' ;;
    'logs 0') kind='job' ;;
    'wait '*) kind='job' ;;
    'result 0') kind='job' ;;
    'start '*) kind='job' ;;
    'cancel '*) kind='job' ;;
    'retry '*) kind='job' ;;
    'schedule 0') kind='add ls show next pause resume run history rm backfill apply' ;;
    'schedule add 0') kind='text' ;;
    'schedule add '*) kind='text' ;;
    'schedule show 0') kind='schedule' ;;
    'schedule next 0') kind='schedule' ;;
    'schedule pause 0') kind='schedule' ;;
    'schedule resume 0') kind='schedule' ;;
    'schedule run 0') kind='schedule' ;;
    'schedule history 0') kind='schedule' ;;
    'schedule rm 0') kind='schedule' ;;
    'schedule backfill 0') kind='schedule' ;;
    'schedule apply 0') kind='toml' ;;
    'cron 0') kind='import' ;;
    'cron import 0') kind='file' ;;
    'agents 0') kind='drain' ;;
    'agents drain 0') kind='agent' ;;
    'queue 0') kind='ls add rm pause resume limit purge' ;;
    'queue add 0') kind='text' ;;
    'queue rm 0') kind='queue' ;;
    'queue pause 0') kind='queue' ;;
    'queue resume 0') kind='queue' ;;
    'queue limit 0') kind='queue' ;;
    'queue limit 1') kind='none' ;;
    'queue purge 0') kind='queue' ;;
    'context 0') kind='add ls use show rm' ;;
    'context add 0') kind='text' ;;
    'context use 0') kind='context' ;;
    'context show 0') kind='context' ;;
    'context rm 0') kind='context' ;;
    *) kind='' ;;
    esac
}

_tq_value() {
    case "$1 $2" in
    ' --show-completion' | \
        ' --install-completion') kind='bash zsh fish' ;;
    ' --context' | \
        'run --context' | \
        'submit --context' | \
        'status --context' | \
        'ls --context' | \
        'logs --context' | \
        'wait --context' | \
        'result --context' | \
        'start --context' | \
        'cancel --context' | \
        'retry --context' | \
        'schedule --context' | \
        'schedule add --context' | \
        'schedule ls --context' | \
        'schedule show --context' | \
        'schedule next --context' | \
        'schedule pause --context' | \
        'schedule resume --context' | \
        'schedule run --context' | \
        'schedule history --context' | \
        'schedule rm --context' | \
        'schedule backfill --context' | \
        'schedule apply --context' | \
        'cron --context' | \
        'cron import --context' | \
        'agent --context' | \
        'agents --context' | \
        'agents drain --context' | \
        'queue --context' | \
        'queue ls --context' | \
        'queue add --context' | \
        'queue rm --context' | \
        'queue pause --context' | \
        'queue resume --context' | \
        'queue limit --context' | \
        'queue purge --context' | \
        'init --context' | \
        'doctor --context' | \
        'up --context' | \
        'down --context' | \
        'context --context' | \
        'context add --context' | \
        'context ls --context' | \
        'context use --context' | \
        'context show --context' | \
        'context rm --context') kind='context' ;;
    ' --server' | \
        'run -n' | \
        'run --name' | \
        'run --retries' | \
        'run --backoff' | \
        'run --retry-on' | \
        'run --no-retry-on' | \
        'run --timeout' | \
        'run --grace' | \
        'run --expires' | \
        'run --max-losses' | \
        'run -e' | \
        'run --env' | \
        'run --py' | \
        'run --arg' | \
        'run --args' | \
        'run --key' | \
        'run --in' | \
        'run --at' | \
        'run --server' | \
        'submit -n' | \
        'submit --name' | \
        'submit --retries' | \
        'submit --backoff' | \
        'submit --retry-on' | \
        'submit --no-retry-on' | \
        'submit --timeout' | \
        'submit --grace' | \
        'submit --expires' | \
        'submit --max-losses' | \
        'submit -e' | \
        'submit --env' | \
        'submit --py' | \
        'submit --arg' | \
        'submit --args' | \
        'submit --key' | \
        'submit --in' | \
        'submit --at' | \
        'submit --array' | \
        'submit --server' | \
        'status --server' | \
        'ls -n' | \
        'ls --name' | \
        'ls --since' | \
        'ls -l' | \
        'ls --limit' | \
        'ls --server' | \
        'logs --tail' | \
        'logs --since' | \
        'logs --server' | \
        'wait --timeout' | \
        'wait --server' | \
        'result --server' | \
        'start --server' | \
        'cancel --server' | \
        'retry --server' | \
        'schedule --server' | \
        'schedule add --cron' | \
        'schedule add --every' | \
        'schedule add --at' | \
        'schedule add --jitter' | \
        'schedule add --until' | \
        'schedule add --max-runs' | \
        'schedule add --note' | \
        'schedule add -n' | \
        'schedule add --name' | \
        'schedule add --retries' | \
        'schedule add --backoff' | \
        'schedule add --retry-on' | \
        'schedule add --no-retry-on' | \
        'schedule add --timeout' | \
        'schedule add --grace' | \
        'schedule add --expires' | \
        'schedule add --max-losses' | \
        'schedule add -e' | \
        'schedule add --env' | \
        'schedule add --py' | \
        'schedule add --arg' | \
        'schedule add --args' | \
        'schedule add --server' | \
        'schedule ls --server' | \
        'schedule show --server' | \
        'schedule next --cron' | \
        'schedule next -n' | \
        'schedule next --number' | \
        'schedule next --server' | \
        'schedule pause --note' | \
        'schedule pause --server' | \
        'schedule resume --server' | \
        'schedule run --server' | \
        'schedule history -n' | \
        'schedule history --number' | \
        'schedule history --server' | \
        'schedule rm --server' | \
        'schedule backfill --from' | \
        'schedule backfill --to' | \
        'schedule backfill --server' | \
        'schedule apply --server' | \
        'cron --server' | \
        'cron import --prefix' | \
        'cron import --server' | \
        'agent --worker-jobs' | \
        'agent --worker-memory' | \
        'agent -c' | \
        'agent --slots' | \
        'agent --name' | \
        'agent --server' | \
        'agents --server' | \
        'agents drain --server' | \
        'queue --server' | \
        'queue ls --server' | \
        'queue add --server' | \
        'queue rm --server' | \
        'queue pause --for' | \
        'queue pause --server' | \
        'queue resume --server' | \
        'queue limit --server' | \
        'queue purge --server' | \
        'init --replicas' | \
        'init --server' | \
        'doctor --monitor' | \
        'doctor --server' | \
        'up -c' | \
        'up --slots' | \
        'up --server' | \
        'down --server' | \
        'context --server' | \
        'context add --user' | \
        'context add --password' | \
        'context add --token' | \
        'context add --namespace' | \
        'context add --server' | \
        'context ls --server' | \
        'context use --server' | \
        'context show --server' | \
        'context rm --server') kind='text' ;;
    'run -q' | \
        'run --queue' | \
        'submit -q' | \
        'submit --queue' | \
        'ls -q' | \
        'ls --queue' | \
        'schedule add -q' | \
        'schedule add --queue' | \
        'agent -q' | \
        'agent --queue') kind='queue' ;;
    'run --priority' | \
        'submit --priority' | \
        'schedule add --priority') kind='high normal low' ;;
    'run -f' | \
        'run --file' | \
        'submit -f' | \
        'submit --file' | \
        'schedule add -f' | \
        'schedule add --file') kind='toml' ;;
    'run --cwd' | \
        'submit --cwd' | \
        'schedule add --cwd') kind='directory' ;;
    'run --stdin' | \
        'submit --stdin' | \
        'submit --each-line' | \
        'schedule add --stdin' | \
        'context add --creds' | \
        'context add --nkey' | \
        'context add --tls-ca' | \
        'context add --tls-cert' | \
        'context add --tls-key') kind='file' ;;
    'run --isolation' | \
        'submit --isolation' | \
        'schedule add --isolation' | \
        'agent --isolation') kind='process fresh' ;;
    'ls -s' | \
        'ls --state') kind='scheduled blocked queued running retrying succeeded failed cancelled expired' ;;
    'logs --attempt') kind='all' ;;
    'schedule add --tz' | \
        'schedule next --tz') kind='zone' ;;
    'schedule add --dst' | \
        'schedule next --dst') kind='once skip both' ;;
    'schedule add --overlap') kind='skip queue replace allow' ;;
    'schedule add --catch-up') kind='none latest all:' ;;
    'up --sync') kind='always' ;;
    *) kind='' ;;
    esac
}

complete -F _tq tq
