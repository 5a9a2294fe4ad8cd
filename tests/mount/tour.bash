#!/bin/bash
# tour.bash PAGE RESULTS: runs the commands of a page, part by part in one shell, and compares what they print.
#
# A part is a line `<!-- tour: NAME -->` and the ```console block that follows it: `$ ` begins a command, `> ` goes on
# with it, all else is what it prints, where `…` stands for any text within a line. RESULTS/NAME gets the commands, and
# below each one what was expected and what was seen where they differ.

page=$1 results=$2
saw=$(mktemp)
trap 'rm -f "$saw"' EXIT
part='' inside='' command='' expected=()

# A line of the page as a pattern of bash.
pattern_of() {
    sed 's/[][*?\\()|@!+]/\\&/g; s/…/*/g' <<< "$1"
}

matches() {
    local lines i
    mapfile -t lines < "$saw"
    ((${#lines[@]} == ${#expected[@]})) || return 1
    for i in "${!lines[@]}"; do
        # shellcheck disable=SC2053
        [[ ${lines[i]} == $(pattern_of "${expected[i]}") ]] || return 1
    done
}

command_end() {
    [[ -n $command ]] || return 0
    eval "$command" > "$saw" 2>&1 < /dev/null
    # What a shell at a terminal would call itself.
    sed -i -E 's/^[^ ]*: line [0-9]+: /bash: /' "$saw"
    {
        printf '$ %s\n' "$command"
        if ! matches; then
            echo 'DIFFERS; expected:'
            ((${#expected[@]} == 0)) || printf '  %s\n' "${expected[@]}"
            echo 'saw:'
            sed 's/^/  /' "$saw"
        fi
    } >> "$results/$part"
    command='' expected=()
}

while IFS= read -r -u 9 line; do
    case $inside$line in
    '<!-- tour: '*' -->')
        part=${line#'<!-- tour: '}
        part=${part%' -->'}
        ;;
    '```console')
        inside=:
        [[ -n $part ]] || part='not part of the tour'
        ;;
    ':```')
        command_end
        inside='' part=''
        ;;
    ':$ '*)
        command_end
        command=${line#'$ '}
        ;;
    ':> '*)
        command+=$'\n'${line#'> '}
        ;;
    :*)
        expected+=("$line")
        ;;
    esac
done 9< "$page"
