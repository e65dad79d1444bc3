# Completion of roomhook, roomhook-worker and roomhook-web for bash. Needs bash-completion.

# The table of commands and flags (manual/programs.h), once.
__roomhook_load() {
    ((${#__roomhook_kind[@]} > 0)) && return
    declare -gA __roomhook_kind=() __roomhook_words=() __roomhook_flags=() __roomhook_next=()
    local program command flag kind words text family
    while IFS='|' read -r program command flag kind words text; do
        __roomhook_kind[$program|$command|$flag]=$kind
        __roomhook_words[$program|$command|$flag]=$words
        if [[ -n $flag ]]; then
            __roomhook_flags[$program|$command]+=" $flag"
        elif [[ $command == *' '* ]]; then
            family=${command% *}
            [[ -n ${__roomhook_next[$program|$family]} ]] || __roomhook_next[$program|]+=" $family"
            __roomhook_next[$program|$family]+=" ${command#* }"
        else
            __roomhook_next[$program|]+=" $command"
        fi
    done <<'TABLE'
@TABLE@
TABLE
}

# "ROOM HOOK" a line, as the queue has them. What a room and a hook's id may hold needs no escape
# in JSON. "$@" is roomhook with the flags that say where Redis is.
__roomhook_hooks() {
    timeout 2 "$@" hook list --json 2>/dev/null </dev/null |
        sed -n 's/^{"room":"\{0,1\}\([^",]*\)"\{0,1\},"id":"\([^"]*\)".*/\1 \2/p'
}

# Completes $value by the words of $1, quoted where the shell would take them for something else.
__roomhook_reply() {
    local word typed=$value quoted prefix
    case $typed in
    [\'\"]*) typed=${typed:1} quoted=yes ;;
    *) typed=${typed//\\/} ;;
    esac
    # Readline replaces only what is behind the last of these.
    prefix=${typed%"${typed##*[:=]}"}
    for word in $1; do
        if [[ $word == "$typed"* ]]; then
            word=${word#"$prefix"}
            [[ -n $quoted ]] || printf -v word %q "$word"
            COMPREPLY+=("$word")
        fi
    done
}

# What may follow a flag, or operands, of this kind.
__roomhook_value() {
    local kind=$1 words=$2
    local IFS=$' \t\n'
    case $kind in
    room) words+=" $(__roomhook_hooks "${source[@]}" | cut -d ' ' -f 1 | sort -u)" ;;
    hook)
        words+=" $(__roomhook_hooks "${source[@]}" |
            while read -r one id; do
                [[ -n $room && $one != "$room" ]] || echo "$id"
            done | sort -u)"
        ;;
    lane) words+=" $(__roomhook_hooks "${source[@]}" | tr ' ' /)" ;;
    file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$value")
        ;;
    esac
    __roomhook_reply "$words"
}

# The table's row of a flag of $command: of the command itself, or of all.
__roomhook_row() {
    row="$program|$command|$1"
    [[ -n ${__roomhook_kind[$row]} ]] || row="$program|*|$1"
}

_roomhook() {
    local cur prev words cword
    _get_comp_words_by_ref -n =: cur prev words cword || return
    __roomhook_load
    local program=${words[0]##*/} command='' flag='' helping='' room=''
    local value=$cur row word text i
    local -a source=("${words[0]}")
    COMPREPLY=()
    # Which command it is, and what is known of room and Redis, by the words in front.
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        __roomhook_row "${word%%=*}"
        if [[ $word == -* ]]; then
            case ${__roomhook_kind[$row]} in
            '' | none | optional) continue ;;
            esac
            if [[ $word == *=* ]]; then
                text=${word#*=}
            elif ((++i == cword)); then
                flag=$word
                break
            else
                text=${words[i]}
            fi
            text=${text//[\'\"\\]/}
            [[ ${word%%=*} == --room ]] && room=$text
            [[ $row == "$program|*|"* ]] && source+=("${word%%=*}=$text")
        elif [[ $word == help && -z $command ]]; then
            helping=yes
        elif [[ " ${__roomhook_next[$program|$command]} " == *" $word "* ]]; then
            command+=${command:+ }$word
        fi
    done
    if [[ -z $flag && $cur == --*=* ]]; then
        flag=${cur%%=*} value=${cur#*=}
    fi
    if [[ -n $flag ]]; then
        __roomhook_row "$flag"
        __roomhook_value "${__roomhook_kind[$row]}" "${__roomhook_words[$row]}"
    elif [[ $cur == -* ]]; then
        text=${__roomhook_flags[$program|$command]}
        __roomhook_reply "$text ${__roomhook_flags[$program|*]}"
    elif [[ -n ${__roomhook_next[$program|$command]} ]]; then
        __roomhook_reply "${__roomhook_next[$program|$command]}"
    elif [[ -z $helping ]]; then
        __roomhook_value "${__roomhook_kind[$program|$command|]}" ''
    fi
}

complete -F _roomhook roomhook roomhook-worker roomhook-web
