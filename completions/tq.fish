# Completion of tq for fish, as `tq --show-completion fish` prints it.

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
        else if contains -- "$command" run submit
            set rest $place
            break
        else
            set -l longer (string trim -- "$command $word")
            if contains -- $longer 'run' 'submit' 'status' 'ls' 'logs' 'wait' 'result' 'start' 'cancel' 'retry' 'schedule' 'schedule add' 'schedule ls' 'schedule show' 'schedule next' 'schedule pause' 'schedule resume' 'schedule run' 'schedule history' 'schedule rm' 'schedule backfill' 'schedule apply' 'cron' 'cron import' 'agent' 'agents' 'agents drain' 'queue' 'queue ls' 'queue add' 'queue rm' 'queue pause' 'queue resume' 'queue limit' 'queue purge' 'init' 'doctor' 'up' 'down' 'context' 'context add' 'context ls' 'context use' 'context show' 'context rm'
                set command $longer
            else
                set given (math $given + 1)
            end
        end
    end
    if test -z "$option" -a $rest -eq 0; and not string match -q -- '-*' $current
        set rest (math (count $words) + 1)
    end
    if test $rest -gt 0; and contains -- "$command" run submit
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
        case queue job agent schedule context zone
            type -q $program; and $program $argv[4..-1] __complete $kind "$current" 2>/dev/null
        case '=*'
            string split ' ' -- (string sub -s 2 -- $kind)
        case '*'
            echo $kind
    end
end

function __tq_options
    switch $argv[1]
        case ''
            echo --version\t'show the version'
            echo --show-completion\t'print the script for bash, zsh or fish'
            echo --install-completion\t'install completion for your shell'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'run'
            echo -q\t'the queue it waits in (default)'
            echo --queue\t'the queue it waits in (default)'
            echo -n\t'what to call it in lists'
            echo --name\t'what to call it in lists'
            echo --priority\t'before or after others of its queue'
            echo -f\t'a job file; options win over it'
            echo --file\t'a job file; options win over it'
            echo --retries\t'run it again, up to N times'
            echo --backoff\t'pause before a retry: exp:1s..5m, fixed:10s or none'
            echo --retry-on\t'retry only after these: 1,75,100-110,signal,timeout'
            echo --no-retry-on\t'don\'t retry after these'
            echo --timeout\t'stop an attempt after this long: 90s, 1h30m'
            echo --grace\t'time between TERM and KILL (10s)'
            echo --expires\t'give up if it has not started by then'
            echo --max-losses\t'fail it when more than N agents died under it (3)'
            echo -e\t'set a variable for it; K alone passes yours on'
            echo --env\t'set a variable for it; K alone passes yours on'
            echo --cwd\t'run it in this directory only'
            echo --stdin\t'what it reads (nothing)'
            echo --shell\t'the command is a line for /bin/sh'
            echo --py\t'call this Python function'
            echo --arg\t'a keyword argument; V is JSON where it can be, else text'
            echo --args\t'its positional arguments, as a JSON array'
            echo --isolation\t'a warm process, used again after it, or a fresh one'
            echo --key\t'submit one job at most with this key, however often tried'
            echo --in\t'start it after this long: 90s, 2h'
            echo --at\t'start it at this time: 17:30, \'tomorrow 9:00\''
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'submit'
            echo -q\t'the queue it waits in (default)'
            echo --queue\t'the queue it waits in (default)'
            echo -n\t'what to call it in lists'
            echo --name\t'what to call it in lists'
            echo --priority\t'before or after others of its queue'
            echo -f\t'a job file; options win over it'
            echo --file\t'a job file; options win over it'
            echo --retries\t'run it again, up to N times'
            echo --backoff\t'pause before a retry: exp:1s..5m, fixed:10s or none'
            echo --retry-on\t'retry only after these: 1,75,100-110,signal,timeout'
            echo --no-retry-on\t'don\'t retry after these'
            echo --timeout\t'stop an attempt after this long: 90s, 1h30m'
            echo --grace\t'time between TERM and KILL (10s)'
            echo --expires\t'give up if it has not started by then'
            echo --max-losses\t'fail it when more than N agents died under it (3)'
            echo -e\t'set a variable for it; K alone passes yours on'
            echo --env\t'set a variable for it; K alone passes yours on'
            echo --cwd\t'run it in this directory only'
            echo --stdin\t'what it reads (nothing)'
            echo --shell\t'the command is a line for /bin/sh'
            echo --py\t'call this Python function'
            echo --arg\t'a keyword argument; V is JSON where it can be, else text'
            echo --args\t'its positional arguments, as a JSON array'
            echo --isolation\t'a warm process, used again after it, or a fresh one'
            echo --key\t'submit one job at most with this key, however often tried'
            echo --in\t'start it after this long: 90s, 2h'
            echo --at\t'start it at this time: 17:30, \'tomorrow 9:00\''
            echo --array\t'a job for each number, which it has in TQ_INDEX'
            echo --each-line\t'a job for each line, put in place of {}; without CMD, a line is a shell command'
            echo --wait\t'wait for the end, and end as the job ended'
            echo --follow\t'as --wait, and show what it prints; the id goes to stderr'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'status'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'ls'
            echo -s\t'only in this state, may be repeated: scheduled, blocked, queued, running, retrying, succeeded, failed, cancelled, expired'
            echo --state\t'only in this state, may be repeated: scheduled, blocked, queued, running, retrying, succeeded, failed, cancelled, expired'
            echo -q\t'only of this queue'
            echo --queue\t'only of this queue'
            echo -n\t'only those called so'
            echo --name\t'only those called so'
            echo --since\t'only those that changed in the last 90s, 5m, 2d'
            echo -l\t'at most so many (20)'
            echo --limit\t'at most so many (20)'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'logs'
            echo -f\t'go on until the job ends'
            echo --follow\t'go on until the job ends'
            echo --tail\t'only the last N lines of each job'
            echo --since\t'only what was printed in the last 90s, 5m, 1h …'
            echo --attempt\t'of this attempt (the last)'
            echo --stdout\t'only what was printed on stdout'
            echo --stderr\t'only what was printed on stderr'
            echo --timestamps\t'put the time before each line'
            echo --prefix\t'put the job\'s id before each line, or its index in a group'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'wait'
            echo --any\t'until one of them has ended'
            echo --timeout\t'give up after this long: 90s, 1h'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'result'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'start'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'cancel'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'retry'
            echo --failed\t'of a group, only the jobs that did not succeed'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule add'
            echo --cron\t'minute, hour, day, month, weekday; or six with seconds; or @daily'
            echo --tz\t'the zone of its times (this machine\'s)'
            echo --dst\t'local times that are missing or come twice: run once, skip what is missing, run both (once)'
            echo --every\t'from now on, this far apart: 90s, 5m, 2d'
            echo --at\t'once: 2027-01-31T17:30, 17:30, tomorrow 9:00'
            echo --jitter\t'later by up to this, always the same for one name'
            echo --until\t'not after this time'
            echo --max-runs\t'so many times'
            echo --overlap\t'what a run does where the one before goes on (skip)'
            echo --catch-up\t'which of the missed times run afterwards (latest)'
            echo --paused\t'start nothing before it is resumed'
            echo --note\t'a word for whoever reads it'
            echo -q\t'the queue it waits in (default)'
            echo --queue\t'the queue it waits in (default)'
            echo -n\t'what to call it in lists'
            echo --name\t'what to call it in lists'
            echo --priority\t'before or after others of its queue'
            echo -f\t'a job file; options win over it'
            echo --file\t'a job file; options win over it'
            echo --retries\t'run it again, up to N times'
            echo --backoff\t'pause before a retry: exp:1s..5m, fixed:10s or none'
            echo --retry-on\t'retry only after these: 1,75,100-110,signal,timeout'
            echo --no-retry-on\t'don\'t retry after these'
            echo --timeout\t'stop an attempt after this long: 90s, 1h30m'
            echo --grace\t'time between TERM and KILL (10s)'
            echo --expires\t'give up if it has not started by then'
            echo --max-losses\t'fail it when more than N agents died under it (3)'
            echo -e\t'set a variable for it; K alone passes yours on'
            echo --env\t'set a variable for it; K alone passes yours on'
            echo --cwd\t'run it in this directory only'
            echo --stdin\t'what it reads (nothing)'
            echo --shell\t'the command is a line for /bin/sh'
            echo --py\t'call this Python function'
            echo --arg\t'a keyword argument; V is JSON where it can be, else text'
            echo --args\t'its positional arguments, as a JSON array'
            echo --isolation\t'a warm process, used again after it, or a fresh one'
            echo --replace\t'change the schedule of that name'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule ls'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule show'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule next'
            echo --cron\t'preview this expression, before there is a schedule'
            echo --tz\t'the zone of its times (this machine\'s)'
            echo --dst\t'local times that are missing or come twice: run once, skip what is missing, run both (once)'
            echo -n\t'so many (5)'
            echo --number\t'so many (5)'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule pause'
            echo --note\t'why'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule resume'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule run'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule history'
            echo -n\t'at most so many (20)'
            echo --number\t'at most so many (20)'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule rm'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule backfill'
            echo --from\t'the first planned time, or before it'
            echo --to\t'the last planned time, or after it'
            echo --dry-run\t'show the planned times, and run nothing'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'schedule apply'
            echo --prune\t'remove what was applied once, and is in these files no more'
            echo --dry-run\t'show what would change, and change nothing'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'cron'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'cron import'
            echo --system\t'a user stands before each command, as in /etc/crontab and /etc/cron.d'
            echo --prefix\t'what each name begins with'
            echo --paused\t'let them wait for `tq schedule resume`'
            echo --replace\t'change schedules of the same names'
            echo --dry-run\t'print them as a schedule file, and add nothing'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'agent'
            echo --isolation\t'Python jobs in warm processes (process), or each in a fresh one'
            echo --worker-jobs\t'a new warm process after N jobs (10,000)'
            echo --worker-memory\t'a new warm process once it needs more than this (1G)'
            echo -q\t'a queue to serve (default); may be repeated'
            echo --queue\t'a queue to serve (default); may be repeated'
            echo -c\t'how many jobs at once (one for each CPU)'
            echo --slots\t'how many jobs at once (one for each CPU)'
            echo --name\t'what to call it (HOST-PID)'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'agents'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'agents drain'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'queue'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'queue ls'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'queue add'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'queue rm'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'queue pause'
            echo --for\t'resume by itself after this long'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'queue resume'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'queue limit'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'queue purge'
            echo -y\t'don\'t ask'
            echo --yes\t'don\'t ask'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'init'
            echo --replicas\t'copies of each stream: 1, or 3 or 5 in a cluster'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'doctor'
            echo --monitor\t'the server\'s monitoring port: http://HOST:8222'
            echo --fix\t'queue stranded jobs again, remove what ended ones left'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'up'
            echo --sync\t'how often the server syncs its disk (always)'
            echo -c\t'how many jobs at once (one for each CPU)'
            echo --slots\t'how many jobs at once (one for each CPU)'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'down'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'context'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'context add'
            echo --user\t'log in with a password, which is asked for'
            echo --password\t'the password; others may see it here'
            echo --token\t'log in with a token'
            echo --creds\t'log in with a credentials file'
            echo --nkey\t'log in with an NKey seed'
            echo --tls-ca\t'who signs the server'
            echo --tls-cert\t'our certificate'
            echo --tls-key\t'its key'
            echo --namespace\t'a tq of its own on that broker (tq)'
            echo --use\t'use it from now on'
            echo --replace\t'replace the context of that name'
            echo --no-check\t'don\'t try to connect'
            echo --server\t'a server that the name stands for; may be repeated'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'context ls'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'context use'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'context show'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
        case 'context rm'
            echo --context\t'the broker to use (TQ_CONTEXT)'
            echo --server\t'the broker\'s URL (TQ_SERVER)'
            echo --json\t'print JSON, one document a line (TQ_JSON=1)'
            echo --debug\t'show tracebacks'
            echo -h\t'show this help'
            echo --help\t'show this help'
    end
end

function __tq_arguments
    switch "$argv[1] $argv[2]"
        case ' 0'
            echo run\t'Run a command as a job, and end as it ends'
            echo submit\t'Submit a job, or many, and print the id'
            echo status\t'Show everything on one screen, or one job'
            echo ls\t'List recent jobs, newest first'
            echo logs\t'Show what a job printed'
            echo wait\t'Wait until jobs have ended'
            echo result\t'Print what a Python job returned, as JSON'
            echo start\t'Let jobs go now that wait for their time or a retry'
            echo cancel\t'End jobs, wherever they are'
            echo retry\t'Run finished jobs again'
            echo schedule\t'Submit jobs again and again, by name'
            echo cron\t'Bring a crontab over'
            echo agent\t'Run an agent in the foreground'
            echo agents\t'Show the agents and what they run'
            echo queue\t'List queues; add, pause, limit, empty or remove them'
            echo init\t'Make the streams, with copies in a cluster'
            echo doctor\t'Look at all that jobs depend on, and say what to do'
            echo up\t'Start a server and an agent in the background, on this machine'
            echo down\t'Stop them'
            echo context\t'Name the brokers that you use'
        case 'run *'
            echo 'text'
        case 'submit *'
            echo 'text'
        case 'status *'
            echo 'job'
        case 'logs 0'
            echo 'job'
        case 'wait *'
            echo 'job'
        case 'result 0'
            echo 'job'
        case 'start *'
            echo 'job'
        case 'cancel *'
            echo 'job'
        case 'retry *'
            echo 'job'
        case 'schedule 0'
            echo add\t'Add a schedule, or change one'
            echo ls\t'List the schedules'
            echo show\t'Show one: its runs, past and to come'
            echo next\t'Preview when one runs, or what a cron expression means'
            echo pause\t'Start no more runs of one'
            echo resume\t'Let it go on'
            echo run\t'Run its job now'
            echo history\t'Show what ran, and what was skipped and why'
            echo rm\t'Remove one'
            echo backfill\t'Run what was planned in the past'
            echo apply\t'Declare them in TOML files, and show what changes'
        case 'schedule add 0'
            echo 'text'
        case 'schedule add *'
            echo 'text'
        case 'schedule show 0'
            echo 'schedule'
        case 'schedule next 0'
            echo 'schedule'
        case 'schedule pause 0'
            echo 'schedule'
        case 'schedule resume 0'
            echo 'schedule'
        case 'schedule run 0'
            echo 'schedule'
        case 'schedule history 0'
            echo 'schedule'
        case 'schedule rm 0'
            echo 'schedule'
        case 'schedule backfill 0'
            echo 'schedule'
        case 'schedule apply 0'
            echo 'toml'
        case 'cron 0'
            echo import\t'Make schedules of its entries, and say what can\'t be kept'
        case 'cron import 0'
            echo 'file'
        case 'agents 0'
            echo drain\t'Let an agent finish what it runs, and leave'
        case 'agents drain 0'
            echo 'agent'
        case 'queue 0'
            echo ls\t'List the queues'
            echo add\t'Add a queue'
            echo rm\t'Remove a queue that has no jobs'
            echo pause\t'Start no more jobs of a queue'
            echo resume\t'Start its jobs again'
            echo limit\t'Limit how many of its jobs run at once'
            echo purge\t'Cancel all its waiting jobs'
        case 'queue add 0'
            echo 'text'
        case 'queue rm 0'
            echo 'queue'
        case 'queue pause 0'
            echo 'queue'
        case 'queue resume 0'
            echo 'queue'
        case 'queue limit 0'
            echo 'queue'
        case 'queue limit 1'
            echo '=none'
        case 'queue purge 0'
            echo 'queue'
        case 'context 0'
            echo add\t'Name a broker'
            echo ls\t'List the contexts'
            echo use\t'Choose the one to use from now on'
            echo show\t'Show one, without its secrets'
            echo rm\t'Forget one'
        case 'context add 0'
            echo 'text'
        case 'context use 0'
            echo 'context'
        case 'context show 0'
            echo 'context'
        case 'context rm 0'
            echo 'context'
    end
end

function __tq_value
    switch "$argv[1] $argv[2]"
        case ' --show-completion' \
            ' --install-completion'
            echo '=bash zsh fish'
        case ' --context' \
            'run --context' \
            'submit --context' \
            'status --context' \
            'ls --context' \
            'logs --context' \
            'wait --context' \
            'result --context' \
            'start --context' \
            'cancel --context' \
            'retry --context' \
            'schedule --context' \
            'schedule add --context' \
            'schedule ls --context' \
            'schedule show --context' \
            'schedule next --context' \
            'schedule pause --context' \
            'schedule resume --context' \
            'schedule run --context' \
            'schedule history --context' \
            'schedule rm --context' \
            'schedule backfill --context' \
            'schedule apply --context' \
            'cron --context' \
            'cron import --context' \
            'agent --context' \
            'agents --context' \
            'agents drain --context' \
            'queue --context' \
            'queue ls --context' \
            'queue add --context' \
            'queue rm --context' \
            'queue pause --context' \
            'queue resume --context' \
            'queue limit --context' \
            'queue purge --context' \
            'init --context' \
            'doctor --context' \
            'up --context' \
            'down --context' \
            'context --context' \
            'context add --context' \
            'context ls --context' \
            'context use --context' \
            'context show --context' \
            'context rm --context'
            echo 'context'
        case ' --server' \
            'run -n' \
            'run --name' \
            'run --retries' \
            'run --backoff' \
            'run --retry-on' \
            'run --no-retry-on' \
            'run --timeout' \
            'run --grace' \
            'run --expires' \
            'run --max-losses' \
            'run -e' \
            'run --env' \
            'run --py' \
            'run --arg' \
            'run --args' \
            'run --key' \
            'run --in' \
            'run --at' \
            'run --server' \
            'submit -n' \
            'submit --name' \
            'submit --retries' \
            'submit --backoff' \
            'submit --retry-on' \
            'submit --no-retry-on' \
            'submit --timeout' \
            'submit --grace' \
            'submit --expires' \
            'submit --max-losses' \
            'submit -e' \
            'submit --env' \
            'submit --py' \
            'submit --arg' \
            'submit --args' \
            'submit --key' \
            'submit --in' \
            'submit --at' \
            'submit --array' \
            'submit --server' \
            'status --server' \
            'ls -n' \
            'ls --name' \
            'ls --since' \
            'ls -l' \
            'ls --limit' \
            'ls --server' \
            'logs --tail' \
            'logs --since' \
            'logs --server' \
            'wait --timeout' \
            'wait --server' \
            'result --server' \
            'start --server' \
            'cancel --server' \
            'retry --server' \
            'schedule --server' \
            'schedule add --cron' \
            'schedule add --every' \
            'schedule add --at' \
            'schedule add --jitter' \
            'schedule add --until' \
            'schedule add --max-runs' \
            'schedule add --note' \
            'schedule add -n' \
            'schedule add --name' \
            'schedule add --retries' \
            'schedule add --backoff' \
            'schedule add --retry-on' \
            'schedule add --no-retry-on' \
            'schedule add --timeout' \
            'schedule add --grace' \
            'schedule add --expires' \
            'schedule add --max-losses' \
            'schedule add -e' \
            'schedule add --env' \
            'schedule add --py' \
            'schedule add --arg' \
            'schedule add --args' \
            'schedule add --server' \
            'schedule ls --server' \
            'schedule show --server' \
            'schedule next --cron' \
            'schedule next -n' \
            'schedule next --number' \
            'schedule next --server' \
            'schedule pause --note' \
            'schedule pause --server' \
            'schedule resume --server' \
            'schedule run --server' \
            'schedule history -n' \
            'schedule history --number' \
            'schedule history --server' \
            'schedule rm --server' \
            'schedule backfill --from' \
            'schedule backfill --to' \
            'schedule backfill --server' \
            'schedule apply --server' \
            'cron --server' \
            'cron import --prefix' \
            'cron import --server' \
            'agent --worker-jobs' \
            'agent --worker-memory' \
            'agent -c' \
            'agent --slots' \
            'agent --name' \
            'agent --server' \
            'agents --server' \
            'agents drain --server' \
            'queue --server' \
            'queue ls --server' \
            'queue add --server' \
            'queue rm --server' \
            'queue pause --for' \
            'queue pause --server' \
            'queue resume --server' \
            'queue limit --server' \
            'queue purge --server' \
            'init --replicas' \
            'init --server' \
            'doctor --monitor' \
            'doctor --server' \
            'up -c' \
            'up --slots' \
            'up --server' \
            'down --server' \
            'context --server' \
            'context add --user' \
            'context add --password' \
            'context add --token' \
            'context add --namespace' \
            'context add --server' \
            'context ls --server' \
            'context use --server' \
            'context show --server' \
            'context rm --server'
            echo 'text'
        case 'run -q' \
            'run --queue' \
            'submit -q' \
            'submit --queue' \
            'ls -q' \
            'ls --queue' \
            'schedule add -q' \
            'schedule add --queue' \
            'agent -q' \
            'agent --queue'
            echo 'queue'
        case 'run --priority' \
            'submit --priority' \
            'schedule add --priority'
            echo '=high normal low'
        case 'run -f' \
            'run --file' \
            'submit -f' \
            'submit --file' \
            'schedule add -f' \
            'schedule add --file'
            echo 'toml'
        case 'run --cwd' \
            'submit --cwd' \
            'schedule add --cwd'
            echo 'directory'
        case 'run --stdin' \
            'submit --stdin' \
            'submit --each-line' \
            'schedule add --stdin' \
            'context add --creds' \
            'context add --nkey' \
            'context add --tls-ca' \
            'context add --tls-cert' \
            'context add --tls-key'
            echo 'file'
        case 'run --isolation' \
            'submit --isolation' \
            'schedule add --isolation' \
            'agent --isolation'
            echo '=process fresh'
        case 'ls -s' \
            'ls --state'
            echo '=scheduled blocked queued running retrying succeeded failed cancelled expired'
        case 'logs --attempt'
            echo '=all'
        case 'schedule add --tz' \
            'schedule next --tz'
            echo 'zone'
        case 'schedule add --dst' \
            'schedule next --dst'
            echo '=once skip both'
        case 'schedule add --overlap'
            echo '=skip queue replace allow'
        case 'schedule add --catch-up'
            echo '=none latest all:'
        case 'up --sync'
            echo '=always'
    end
end

complete -c tq -f -k -a '(__tq_complete)'
