# A real log: two years of travel declarations, 55,628 events of 10,357 declarations, in the order of their timestamps and
# without ids. Without the file beside the checkout, or where TRAVEL_DECLARATIONS says, a log of the same shape is made,
# and the tests say so.

REAL=${TRAVEL_DECLARATIONS:-$ROOT/../shared/data/travel-declarations.ndjson.gz}

# A log of the same shape: declarations that are submitted, approved, rejected and paid, and overlap in time.
generated() {
    python3 - <<'END'
import datetime, json, random
pick = random.Random(1)
at = datetime.datetime.fromisoformat("2017-01-09T09:49:50.000+01:00")
steps = ["Saved", "Submitted", "Approved", "Rejected", "FinalApproved", "PaymentRequested", "PaymentHandled"]
who = ["staff-member_EMPLOYEE", "staff-member_SUPERVISOR", "staff-member_ADMINISTRATION", "system_UNDEFINED"]
seen, living = 0, []
for _ in range(20000):
    if not living or pick.randrange(5) == 0:
        seen += 1
        living.append(86791 + seen * 4)
        data = {"status": "Submitted", "Amount": pick.uniform(1, 900), "BudgetNumber": "budget 86566",
                "DeclarationNumber": f"declaration number {living[-1] + 1}", "by": "EMPLOYEE", "step": f"st_step {living[-1]}_0"}
        declaration, actor = living[-1], who[0]
    else:
        declaration = pick.choice(living[-60:])
        data = {"status": pick.choice(steps), "step": f"st_step {pick.randrange(10**6)}_0"}
        actor = pick.choice(who)
    at += datetime.timedelta(milliseconds=pick.choice([0, 1, 1000, 3600000]))
    print(json.dumps({"type": f"Declaration.{data['status']}", "target": f"declaration_{declaration}", "actor": actor,
                      "timestamp": at.isoformat(timespec="milliseconds"), "data": data}, separators=(",", ":")))
END
}

# real_log: prints it.
real_log() {
    if [[ -e $REAL ]]; then
        zcat "$REAL"
    else
        echo "# $REAL is not there: a generated log of the same shape is used instead" >&3
        generated
    fi
}
