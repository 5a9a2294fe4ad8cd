# The tree hooks/ and its documents (HOOKS.md A): when they are judged, what is recorded, who may, and how they go. By the
# folder handlers/; what a handler does is in handlers.bats.
load helpers

setup_file() {
    mount_start_for_all
}

setup() {
    tenant_start
    H=$T/hooks/handlers
}

# What is in the folder, logs aside.
listed() {
    ls -A "$H" | grep -v '\.log$' || true
}

# The events of hooks, masked.
changes() {
    grep -F '"type":"Handler.' "$T/stream" | masked
}

@test "a tenant has hooks/, in it a folder for each kind of hook, and nothing else" {
    is "append hooks rejected stream" "$(ls "$T" | grep -vE 'import|log|query|find|asof|spec.json|status.json' | tr '\n' ' ' | sed 's/ $//')"
    [[ -d $H ]]
    is "" "$(listed)"
    is EACCES "$(calls -q mkdir "$T/hooks/other" 755)"
    is EACCES "$(calls -q mkdir "$H/other" 755)"
    is EACCES "$(save "$T/hooks/x" y)"
}

@test "A1 a hook is in force once it was closed, and reads back byte for byte" {
    printf '// é\r\n(deal, $) => {\t}\n\n' > "$BATS_TEST_TMPDIR/text"
    cp "$BATS_TEST_TMPDIR/text" "$H/Deal.closed.js"
    same "$BATS_TEST_TMPDIR/text" "$H/Deal.closed.js"
    is Deal.closed.js "$(listed)"
    daemon_restart
    same "$BATS_TEST_TMPDIR/text" "$H/Deal.closed.js"
    is 0 "$(refusals)"
}

@test "A1 what is wrong is refused at close with EINVAL, said in rejected, and the earlier text stays in force" {
    is ok "$(save "$H/Deal.closed.js" '(deal) => 1')"
    is EINVAL "$(save "$H/Deal.closed.js" '(deal) => {')"
    is "(deal) => 1" "$(cat "$H/Deal.closed.js")"
    is "EINVAL hooks/handlers/Deal.closed.js" "$(member 'errno + " " + .path' "$(tail -n 1 "$T/rejected")")"
    is 1 "$(count "$T")"
    # C1: no text of a hook in rejected.
    is null "$(member input "$(tail -n 1 "$T/rejected")")"
}

@test "A1 a new hook that is refused is not there afterwards" {
    is EINVAL "$(save "$H/Deal.closed.js" '(deal) => {')"
    is "" "$(listed)"
    [[ ! -e $H/Deal.closed.js ]]
    is 0 "$(count "$T")"
}

@test "A1 fsync judges, too, and the rename onto the name" {
    is "ok" "$(calls -q open "$H/Deal.closed.js" wtc write '(deal) => 1' fsync close)"
    is "EINVAL" "$(calls -q open "$H/Deal.closed.js" wt write '(deal' fsync)"
    is 1 "$(count "$T")"
    printf '(deal) => 2' > "$H/.new"
    mv "$H/.new" "$H/Deal.closed.js"
    is "(deal) => 2" "$(cat "$H/Deal.closed.js")"
    printf '(deal' > "$H/.new"
    run mv "$H/.new" "$H/Deal.closed.js"
    ((status))
    is "(deal) => 2" "$(cat "$H/Deal.closed.js")"
    is ".new
Deal.closed.js" "$(listed)"
    is 2 "$(count "$T")"
}

@test "A4 scratch names have no effect, make no event, and are gone at unmount" {
    local name
    for name in .Deal.closed.js.swp 4913 sedAbC Deal.closed.js~ '.#Deal.closed.js' .hidden.js Deal.closed.js.bak; do
        is ok "$(save "$H/$name" 'no function')"
    done
    rm "$H/4913"
    mv "$H/sedAbC" "$H/sedX"
    is 6 "$(ls -A "$H" | wc -l)"
    is 0 "$(count "$T")"
    daemon_restart
    is "" "$(listed)"
}

@test "A4 a name with the extension that fits no pattern is EACCES at create" {
    local name
    for name in Deal.js Deal.close.js deal_closed.js 9.closed.js 'Deal.closed.a b.js' .js 'a-b.closed.js' Deal..js; do
        [[ $name == .js ]] || is EACCES "$(save "$H/$name" '() => 1')"
    done
    for name in Deal.closed.js deal.Closing.js '*.created.audit.js' 'Deal.*.js' '*.*.js' order.was_placed.js \
        Deal.closed.10-first.js FeatureFlag.rollingOut.js Deal.losing.js Deal.Lost.js; do
        is ok "$(save "$H/$name" '() => 1')"
    done
    # Renaming a scratch file is no way around it.
    printf '() => 1' > "$H/.x"
    is EACCES "$(calls -q rename "$H/.x" "$H/Deal.close.js")"
    is EACCES "$(calls -q link "$H/.x" "$H/Deal.won.js")"
}

@test "A5 rm removes a hook, which is recorded; the text stays in the history" {
    save "$H/Deal.closed.js" '(deal) => 1'
    rm "$H/Deal.closed.js"
    is "" "$(listed)"
    is Handler.Deleted "$(member type "$(last "$T")")"
    is "(deal) => 1" "$(jq -r .source "$T/handler_Deal.closed/asof/v1/state.json")"
    [[ ! -e $T/handler_Deal.closed/state.json ]]
    is ok "$(save "$H/Deal.closed.js" '(deal) => 2')"
    is Handler.Created "$(member type "$(last "$T")")"
    is ENOENT "$(calls -q unlink "$H/Deal.won.js")"
}

@test "A5 mv gives a hook another name and keeps what it is" {
    save "$H/Deal.closed.js" '(deal) => 1'
    local inode
    inode=$(stat -c %i "$H/Deal.closed.js")
    mv "$H/Deal.closed.js" "$H/Deal.won.js"
    is Deal.won.js "$(listed)"
    is "$inode" "$(stat -c %i "$H/Deal.won.js")"
    is '{"id":"ID","type":"Handler.Deleted","target":"handler_Deal.closed","actor":"'$ME'","timestamp":"WHEN","data":{"renamedTo":"Deal.won"},"tenant":"'$TENANT'","version":2}
{"id":"ID","type":"Handler.Created","target":"handler_Deal.won","actor":"'$ME'","timestamp":"WHEN","data":{"name":"Deal.won","source":"(deal) => 1"},"tenant":"'$TENANT'","version":1}' \
        "$(changes | tail -n 2)"
    # Onto another hook: that one goes.
    save "$H/Deal.lost.js" '(deal) => 2'
    mv "$H/Deal.won.js" "$H/Deal.lost.js"
    is Deal.lost.js "$(listed)"
    is "(deal) => 1" "$(cat "$H/Deal.lost.js")"
    is "$inode" "$(stat -c %i "$H/Deal.lost.js")"
    is EACCES "$(calls -q rename "$H/Deal.lost.js" "$H/Deal.lose.js")"
}

@test "A6 a hook's events stand on an entity of its own: Created, Updated, Deleted" {
    save "$H/Deal.closed.js" '(deal) => 1'
    save "$H/Deal.closed.js" '(deal) => 2'
    save "$H/*.created.audit.js" '() => "é"'
    rm "$H/Deal.closed.js"
    local rest=',"actor":"'$ME'","timestamp":"WHEN","data":' tenant=',"tenant":"'$TENANT'","version":'
    is '{"id":"ID","type":"Handler.Created","target":"handler_Deal.closed"'"$rest"'{"name":"Deal.closed","source":"(deal) => 1"}'"$tenant"'1}
{"id":"ID","type":"Handler.Updated","target":"handler_Deal.closed"'"$rest"'{"source":{"before":"(deal) => 1","after":"(deal) => 2"}}'"$tenant"'2}
{"id":"ID","type":"Handler.Created","target":"handler_any.created.audit"'"$rest"'{"name":"*.created.audit","source":"() => \"é\""}'"$tenant"'1}
{"id":"ID","type":"Handler.Deleted","target":"handler_Deal.closed"'"$rest"'{}'"$tenant"'3}' "$(changes)"
}

@test "A8 only the tenant's owner and root may create or change hooks" {
    needs_root
    chmod 777 "$T"
    save "$H/Deal.closed.js" '(deal) => 1'
    is "755 644" "$(stat -c %a "$H" "$H/Deal.closed.js" | tr '\n' ' ' | sed 's/ $//')"
    as_nobody "$TOOLS/calls" -q open "$T/append" w write '{"type":"Deal.Created","target":"deal_1"}' close
    is 2 "$(count "$T")"
    is "(deal) => 1" "$(as_nobody cat "$H/Deal.closed.js")"
    is EACCES "$(as_nobody "$TOOLS/calls" -q open "$H/Deal.won.js" wtc write '() => 1' close)"
    is EACCES "$(as_nobody "$TOOLS/calls" -q open "$H/Deal.closed.js" w write '() => 1' close)"
    is EACCES "$(as_nobody "$TOOLS/calls" -q open "$H/.scratch" wtc write '() => 1' close)"
    is EACCES "$(as_nobody "$TOOLS/calls" -q unlink "$H/Deal.closed.js")"
    is EACCES "$(as_nobody "$TOOLS/calls" -q rename "$H/Deal.closed.js" "$H/Deal.won.js")"
    chown 65534 "$T"
    is ok "$(as_nobody "$TOOLS/calls" -q open "$H/Deal.won.js" wtc write '() => 1' close)"
}

@test "A8 what lies beside a hook that may hold a secret is no wider than the hook" {
    local w=$T/hooks/webhooks text='{"events":"*","url":"http://127.0.0.1:9/","secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz","disabled":true}'
    is ok "$(save "$w/a.json" "$text")"
    is 600 "$(stat -c %a "$w/a.json")"
    sed -i.bak 's/9/8/' "$w/a.json"
    printf '%s' "$text" > "$w/.a.json.swp"
    mv "$w/a.json" "$w/a.json.old"
    is "600" "$(stat -c %a "$w"/*.bak "$w"/.*.swp "$w"/*.old | sort -u)"
    is "600" "$(stat -c %a "$w/a.json")"
}

@test "A9 the same text saved again makes no event" {
    save "$H/Deal.closed.js" '(deal) => 1'
    is ok "$(save "$H/Deal.closed.js" '(deal) => 1')"
    is 1 "$(count "$T")"
    # Another text that says the same is a change.
    save "$H/Deal.closed.js" '(deal) => 1 '
    is 2 "$(count "$T")"
}

# Each process that ends closes what it has inherited, so these are steps of one process.
@test "A12 a half-written new hook is listed with what was written so far and has no effect" {
    is "['Deal.closed.js'] (deal []
['Deal.closed.js'] (deal) => 1 1" "$(python3 - "$H" << 'END'
import os, sys
folder = sys.argv[1]
path = folder + '/Deal.closed.js'
f = os.open(path, os.O_WRONLY | os.O_CREAT)
os.write(f, b'(deal')
print([n for n in os.listdir(folder) if n[-4:] != ".log"], open(path).read(), [l for l in open(folder + '/../../stream')])
os.write(f, b') => 1')
os.close(f)
print([n for n in os.listdir(folder) if n[-4:] != ".log"], open(path).read(), len(open(folder + '/../../stream').readlines()))
END
)"
    is 0 "$(refusals)"
}

@test "A12 an existing hook that is emptied stays in force until what follows is closed; an empty file is refused" {
    save "$H/Deal.closed.js" '(deal) => 1'
    is "(deal) => 1
(deal) => 1
(deal) => 2" "$(python3 - "$H/Deal.closed.js" << 'END'
import os, sys
f = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
print(open(sys.argv[1]).read())
os.write(f, b'(deal) => 2')
print(open(sys.argv[1]).read())
os.close(f)
print(open(sys.argv[1]).read())
END
)"
    : > "$H/Deal.closed.js"
    wait_for in_file "$T/rejected" "the file is empty"
    is "(deal) => 2" "$(cat "$H/Deal.closed.js")"
    is EINVAL "$(calls -q open "$H/Deal.won.js" wtc close)"
    wait_for eval '! [[ -e $H/Deal.won.js ]]'
    is 2 "$(count "$T")"
}

@test "A12 a descriptor that is closed twice is judged once for each change" {
    is 'ok' "$(calls -q open "$H/Deal.closed.js" wtc write '(deal' close | sed 's/EINVAL/ok/')"
    is 1 "$(refusals)"
    # By bash: the shell's own copy is closed first, then what it was copied to.
    { printf '(deal) => 1'; (:); } > "$H/Deal.closed.js"
    is "(deal) => 1" "$(cat "$H/Deal.closed.js")"
    is 1 "$(count "$T")"
    is 1 "$(refusals)"
}

@test "editors and tools save hooks in their ways" {
    printf '(deal) => 1\n' > "$H/Deal.closed.js"
    sed -i 's/1/2/' "$H/Deal.closed.js"
    is "(deal) => 2" "$(cat "$H/Deal.closed.js")"
    sed -i.bak 's/2/3/' "$H/Deal.closed.js"
    is "(deal) => 3" "$(cat "$H/Deal.closed.js")"
    is "(deal) => 2" "$(cat "$H/Deal.closed.js.bak")"
    printf '(deal) => 4\n' > "$BATS_TEST_TMPDIR/4.js"
    cp -b "$BATS_TEST_TMPDIR/4.js" "$H/Deal.closed.js"
    is "(deal) => 4" "$(cat "$H/Deal.closed.js")"
    rsync "$BATS_TEST_TMPDIR/4.js" "$H/Deal.won.js"
    is "(deal) => 4" "$(cat "$H/Deal.won.js")"
    python3 -c "open('$H/Deal.closed.js', 'a').write('// 5\n')"
    is "(deal) => 4 // 5" "$(tr '\n' ' ' < "$H/Deal.closed.js" | sed 's/ $//')"
    cp -a "$H" "$BATS_TEST_TMPDIR/copy"
    same "$H/Deal.won.js" "$BATS_TEST_TMPDIR/copy/Deal.won.js"
}

@test "vim saves a hook in place of the old one" {
    needs vim
    printf '(deal) => 1\n' > "$H/Deal.closed.js"
    vim -es -u NONE -c 'set backup writebackup backupcopy=no' -c '%s/1/2/' -c 'wq' "$H/Deal.closed.js"
    is "(deal) => 2" "$(cat "$H/Deal.closed.js")"
    is "Handler.Created Handler.Updated" "$(jq -rs 'map(.type) | join(" ")' "$T/stream")"
}

@test "kill -9 loses no hook that was closed" {
    local i
    for i in 1 2 3 4 5; do
        save "$H/Deal.closed.$i.js" "(deal) => $i"
    done
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    # A thread of it may still wait for the disk.
    wait_for flock -n "$STORE/lock" true
    mount_abort
    daemon_start
    is 5 "$(listed | wc -l)"
    is "(deal) => 5" "$(cat "$H/Deal.closed.5.js")"
    is 5 "$(count "$T")"
}

# ---- what a handler's text may be

@test "B1 a text is exactly one function expression, with comments around it and one semicolon" {
    local text
    for text in '(deal, $) => {}' 'deal => 1' 'async (deal) => { await 1 }' 'function (deal, $) { return {} }' \
        'async function named(deal) {}' $'// a\n/* b\n */ (d) => 1 ; // c\n/* d */\n' 'function* (d) {}'; do
        is ok "$(save "$H/Deal.closed.js" "$text")" || { echo "of: $text"; return 1; }
    done
    for text in 42 'Deal.closed((deal, $) => {})' 'import x from "y"' '(d) => 1, (d) => 2' '(d) => 1; (d) => 2' \
        '(() => (d) => 1)()' 'class A {}' '{}' ';' '// only' '(d) => 1;;' 'let f = (d) => 1' 'new Function("x")'; do
        is EINVAL "$(save "$H/Deal.closed.js" "$text")" || { echo "of: $text"; return 1; }
        [[ $text == '{}' || $text == ';' || $text == let* || $text == '(d) => 1;;' ]] ||
            holds "save the function alone" "$(tail -n 1 "$T/rejected")"
    done
}

@test "B2 the reason tells line and column as they are in the file" {
    is EINVAL "$(save "$H/Deal.closed.js" $'(deal, $) => {\n  let a = 1\n  let b = ;\n}')"
    holds "Deal.closed.js:3:11: SyntaxError: " "$(member reason "$(tail -n 1 "$T/rejected")")"
    is EINVAL "$(save "$H/Deal.closed.js" '(deal, $) => { let = }')"
    holds "Deal.closed.js:1:22: SyntaxError: " "$(member reason "$(tail -n 1 "$T/rejected")")"
}

# What status.json says of files that were refused.
refused_files() {
    jq -c "[.refused[].path]" "$T/status.json"
}

@test "what a shell does not report of a hook is in status.json until a change of the file is taken" {
    needs jq
    is '[]' "$(refused_files)"
    echo '(deal) => { return }' > "$H/Deal.closed.js"
    echo '(deal) => { 3 3 }' > "$H/Deal.closed.js"
    : > "$T/hooks/metrics/m.json"
    wait_for eval "[[ \$(refused_files) == '[\"hooks/handlers/Deal.closed.js\",\"hooks/metrics/m.json\"]' ]]"
    holds 'Deal.closed.js:1:15: SyntaxError' "$(jq -r '.refused[0].reason' "$T/status.json")"
    is "$(head -n 1 "$T/rejected" | jq -r .reason)" "$(jq -r '.refused[0].reason' "$T/status.json")"
    run -3 "$FACTFS" status -q "$T"
    holds 'hooks/handlers/Deal.closed.js  refused' "$output"

    echo '(deal) => { return 3 }' > "$H/Deal.closed.js"
    is '["hooks/metrics/m.json"]' "$(refused_files)"
    echo '{"aggregate":"count","type":"Deal"}' > "$T/hooks/metrics/m.json"
    is '[]' "$(refused_files)"
    run -0 "$FACTFS" status -q "$T"

    # A removal ends it too.
    echo nonsense > "$H/Deal.closed.js"
    is '["hooks/handlers/Deal.closed.js"]' "$(refused_files)"
    rm "$H/Deal.closed.js"
    is '[]' "$(refused_files)"
}
