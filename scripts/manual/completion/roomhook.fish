# Completion of roomhook, roomhook-worker and roomhook-web for fish.

# The table of commands and flags (manual/programs.h).
set -g __roomhook_table (string split \n -- '
@QUOTED TABLE@
')

# The rows of a flag, or without one of the commands, of this program and command.
function __roomhook_rows -a program command flag
    set -l start (string escape --style=regex -- "$program|$command|")
    string match -r -- "^$start$flag\|.*" $__roomhook_table
end

# The table's row of a flag: of the command itself, or of all.
function __roomhook_row -a program command flag
    set -l own (__roomhook_rows $program "$command" $flag)
    set -q own[1]; or set own (__roomhook_rows $program '*' $flag)
    string split '|' -m 5 -- $own[1]
end

# The words that go on with a command, each with its summary behind a tab.
function __roomhook_next -a program command
    set -l families
    for row in (string match -r -- "^$program\|[^|]*\|\|.*" $__roomhook_table)
        set -l field (string split '|' -m 5 -- $row)
        set -l words (string split ' ' -- $field[2])
        if test "$command" = "$words[1]" -a (count $words) = 2
            printf '%s\t%s\n' $words[2] $field[6]
        else if test -z "$command" -a (count $words) = 1
            printf '%s\t%s\n' $words[1] $field[6]
        else if test -z "$command"; and not contains -- $words[1] $families
            set -a families $words[1]
            printf '%s\tcommands of this family\n' $words[1]
        end
    end
end

# "ROOM HOOK" a line, as the queue has them. What a room and a hook's id may hold needs no escape
# in JSON. $argv is roomhook with the flags that say where Redis is.
function __roomhook_hooks
    timeout 2 $argv hook list --json 2>/dev/null </dev/null |
        sed -n 's/^{"room":"\{0,1\}\([^",]*\)"\{0,1\},"id":"\([^"]*\)".*/\1 \2/p'
end

# What may follow a flag, or operands: kind, words, room, what was typed, then the command.
function __roomhook_value -a kind words room typed
    test -z "$words"; or string split ' ' -- $words
    switch $kind
        case room
            __roomhook_hooks $argv[5..] | string replace -r ' .*' ''
        case hook
            for hook in (__roomhook_hooks $argv[5..])
                set -l parts (string split ' ' -- $hook)
                if test -z "$room" -o "$room" = "$parts[1]"
                    echo $parts[2]
                end
            end
        case lane
            __roomhook_hooks $argv[5..] | string replace ' ' /
        case file
            __fish_complete_path "$typed"
    end
end

function __roomhook_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program (path basename -- $words[1])
    set -l source $words[1]
    set -l command ''
    set -l flag ''
    set -l room ''
    set -l helping no
    # Which command it is, and what is known of room and Redis, by the words in front.
    for word in $words[2..]
        set -l text
        if test -n "$flag"
            set text $word
            set word "$flag=$word"
            set flag ''
        else if string match -q -- '--*=*' $word
            set text (string replace -r -- '^[^=]*=' '' $word)
        end
        if string match -q -- '-*' $word
            set -l row (__roomhook_row $program "$command" (string replace -r '=.*' '' -- $word))
            if contains -- "$row[4]" '' none optional
                continue
            else if not set -q text[1]
                set flag $word
            else
                test "$row[3]" = --room; and set room $text
                test "$row[2]" = '*'; and set -a source $word
            end
        else if test -z "$command" -a "$word" = help
            set helping yes
        else if string match -q -- $word\t'*' (__roomhook_next $program "$command")
            set command (string trim -- "$command $word")
        end
    end
    if test -n "$flag"
        set -l row (__roomhook_row $program "$command" $flag)
        __roomhook_value "$row[4]" "$row[5]" "$room" "$typed" $source
    else if string match -q -- '--*=*' $typed
        set -l parts (string split = -m 1 -- $typed)
        set -l row (__roomhook_row $program "$command" $parts[1])
        printf "$parts[1]=%s\n" (__roomhook_value "$row[4]" "$row[5]" "$room" "$parts[2]" $source)
    else if string match -q -- '-*' $typed
        for row in (__roomhook_rows $program "$command" '--[^|]*') \
            (__roomhook_rows $program '*' '--[^|]*')
            set -l field (string split '|' -m 5 -- $row)
            printf '%s\t%s\n' $field[3] $field[6]
        end
    else
        set -l next (__roomhook_next $program "$command")
        if set -q next[1]
            printf '%s\n' $next
        else if test $helping = no
            set -l row (__roomhook_row $program "$command" '')
            __roomhook_value "$row[4]" "$row[5]" "$room" "$typed" $source
        end
    end
end

for program in roomhook roomhook-worker roomhook-web
    complete -c $program -f -a '(__roomhook_complete)'
end
