"""A model of what a tenant makes of events, independent of factfs: payloads, folding, the layout of a state.

JSON is kept as text: a scalar is the bytes that were written, an object a list of (key, value) in their order.

    model.py record FILE TENANT LOGIN   the stream that a tenant holds after FILE (NDJSON) was appended, ids and times masked
    model.py mixed SEED COUNT           a random log of both conventions, for `record`, each event valid where it stands
    model.py check TENANT_DIRECTORY     compares what a mount shows with the folding of its events, at every version and moment
    model.py past FILE TENANT_DIRECTORY SEED   … with the folding of the events of FILE, which was imported, at ten of its moments
"""
import datetime
import decimal
import json
import os
import random
import re
import sys

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[-+.0-9eE]+|true|false|null|[\[\]{},:])', re.S)
decimal.getcontext().prec = 2000
decimal.getcontext().Emax = decimal.MAX_EMAX
decimal.getcontext().Emin = decimal.MIN_EMIN


class Object(list):
    """Members in their order; later ones of a name replace earlier ones in place."""

    def find(self, name):
        return next((i for i, (key, _) in enumerate(self) if json.loads(key) == name), None)

    def get(self, name):
        i = self.find(name)
        return None if i is None else self[i][1]

    def put(self, key, value):
        i = self.find(json.loads(key))
        if i is None:
            self.append((key, value))
        else:
            self[i] = (self[i][0], value)

    def drop(self, name):
        i = self.find(name)
        if i is not None:
            del self[i]

    def names(self):
        return [json.loads(key) for key, _ in self]


def parse(text):
    tokens = TOKEN.findall(text)
    at = 0

    def value():
        nonlocal at
        token = tokens[at]
        at += 1
        if token == "{":
            result = Object()
            while tokens[at] != "}":
                at += tokens[at] == ","
                key = tokens[at]
                at += 2
                result.append((key, value()))
            at += 1
            return result
        if token == "[":
            result = []
            while tokens[at] != "]":
                at += tokens[at] == ","
                result.append(value())
            at += 1
            return result
        return token

    return value()


def compact(value):
    if isinstance(value, Object):
        return "{" + ",".join(f"{key}:{compact(v)}" for key, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return value


def pretty(value, indent=""):
    if isinstance(value, str):
        return value
    brackets = "{}" if isinstance(value, Object) else "[]"
    if not value:
        return brackets
    inner = indent + "  "
    parts = [f"{m[0]}: {pretty(m[1], inner)}" if brackets == "{}" else pretty(m, inner) for m in value]
    return f"{brackets[0]}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{brackets[1]}"


def equal(a, b):
    """By value: exact decimals, escapes and the order of members aside."""
    if isinstance(a, Object) or isinstance(b, Object):
        return isinstance(a, Object) and isinstance(b, Object) and len(a) == len(b) and all(
            b.find(name) is not None and equal(a.get(name), b.get(name)) for name in a.names())
    if isinstance(a, list) or isinstance(b, list):
        return isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and all(map(equal, a, b))
    if a[0] in '-0123456789' and b[0] in '-0123456789':
        return decimal.Decimal(a) == decimal.Decimal(b)
    return a[0] == b[0] and json.loads(a) == json.loads(b)


def is_pascal(kind):
    return "." in kind


def is_pair(value):
    return isinstance(value, Object) and bool(value) and set(value.names()) <= {"before", "after"}


def arrow(value):
    """The halves of "A -> B", or nothing."""
    if not isinstance(value, str) or value[0] != '"':
        return []
    halves = re.split(" (?:->|→) ", json.loads(value))
    return halves if len(halves) == 2 and len(re.findall("->|→", json.loads(value))) == 1 else []


def arrow_end(now, value):
    """The B of "A -> B" when the field is a string now."""
    if isinstance(now, str) and now[0] == '"' and arrow(value):
        return json.dumps(arrow(value)[1], ensure_ascii=False)
    return None


def utc(text):
    """A moment as factfs shows it: UTC, with the fewest of 0, 3 and 6 digits that hold it."""
    at = datetime.datetime.fromisoformat(text).astimezone(datetime.timezone.utc)
    digits = f".{at.microsecond:06}" if at.microsecond % 1000 else f".{at.microsecond // 1000:03}" if at.microsecond else ""
    return at.strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"


class Entity:
    """What the events of one entity add up to."""

    def __init__(self, target):
        self.target, self.version, self.fields = target, 0, None
        self.created = self.updated = self.by = self.noun = None

    def is_first(self, kind):
        return self.version == 0 or kind.endswith(".Created")

    def stored(self, kind, data):
        """The data of an event as it is recorded."""
        if not is_pascal(kind) or self.is_first(kind) or kind.endswith(".Deleted"):
            return data
        return Object((key, self.change(self.fields.get(json.loads(key)), value)) for key, value in data)

    def change(self, now, value):
        after = value
        if is_pair(value):
            before, after = value.get("before"), value.get("after")
            assert value.find("before") is None or equal(before, "null" if now is None else now), "a before that does not hold"
        elif arrow_end(now, value):
            assert json.loads(now) == arrow(value)[0], "an arrow that does not hold"
            after = arrow_end(now, value)
        pair = Object()
        if now is not None:
            pair.append(('"before"', now))
        if after is not None:
            pair.append(('"after"', after))
        return pair

    def fold(self, kind, actor, time, data):
        """One more recorded event."""
        first = self.is_first(kind)
        self.version += 1
        self.updated = time
        if kind.endswith(".Deleted"):
            self.fields = None
        elif first:
            self.fields = Object(data)
            self.created, self.by = time, actor
            # The noun of the event that created it; a snake_case event has none, and the entity's own is taken as it is.
            self.noun = kind.split(".")[0] if is_pascal(kind) else self.target.split("_")[0]
        else:
            for key, value in data:
                if not is_pascal(kind):
                    self.fields.put(key, value)
                elif not is_pair(value):
                    self.fields.put(key, arrow_end(self.fields.get(json.loads(key)), value) or value)
                elif value.find("after") is None:
                    self.fields.drop(json.loads(key))
                else:
                    self.fields.put(key, value.get("after"))

    def state(self):
        """The text of state.json, or None."""
        if self.fields is None:
            return None
        shown = Object([('"$id"', f'"{self.target}"'), ('"$type"', f'"{self.noun}"'), ('"$version"', str(self.version)),
                        ('"$createdAt"', self.created), ('"$updatedAt"', self.updated), ('"$createdBy"', self.by)])
        return pretty(Object(shown + self.fields)) + "\n"


def record(path, tenant, login):
    entities = {}
    for line in open(path, encoding="utf-8"):
        event = parse(line)
        target, kind = json.loads(event.get("target")), json.loads(event.get("type"))
        entity = entities.setdefault(target, Entity(target))
        data = entity.stored(kind, event.get("data") or Object())
        actor = event.get("actor") or f'"user_{login}"'
        entity.fold(kind, actor, '"WHEN"', data)
        print(f'{{"id":"ID","type":"{kind}","target":"{target}","actor":{actor},"timestamp":"WHEN","data":{compact(data)},'
              f'"tenant":"{tenant}","version":{entity.version}}}')


NUMBERS = ["0", "1", "-1", "1.10", "1.0", "12345678901234567890", "0.1", "1e400", "-0", "2.50E-3", "100"]
STRINGS = ['"Lead"', '"Qualified"', '"\\u00e9"', '"é"', '""', '"a -> b"', '"x → y → z"', '"\\/\\"\\\\"', '"\\ud800"', '"\\u0000"', '"🐧"', '"in progress"']


def mixed(seed, count):
    pick = random.Random(seed)
    entities = {}

    def value(depth=0):
        what = pick.randrange(10 if depth < 3 else 7)
        if what < 3:
            return pick.choice(NUMBERS)
        if what < 6:
            return pick.choice(STRINGS)
        if what == 6:
            return pick.choice(["true", "false", "null"])
        if what == 7:
            return [value(depth + 1) for _ in range(pick.randrange(3))]
        return Object((f'"{name}"', value(depth + 1)) for name in pick.sample("abc", pick.randrange(3)))

    def member(entity, name):
        now = entity.fields.get(name)
        what = pick.randrange(6)
        if what == 0 and now is not None:
            return Object([('"before"', now)])
        if what == 1 and now is not None:
            return Object([('"before"', now), ('"after"', value())])
        if what == 2:
            return Object([('"after"', value())])
        if what == 3 and isinstance(now, str) and len(now) > 2 and now[0] == '"' and json.loads(now).isascii() and json.loads(now).isprintable() and "->" not in now:
            return json.dumps(json.loads(now) + " -> " + pick.choice(["Lead", "Won", "in progress"]))
        plain = value()
        # A plain string with an arrow would be a change on a field that is a string.
        return "7" if isinstance(plain, str) and ("->" in plain or "→" in plain) else plain

    for _ in range(count):
        target = pick.choice(["contact", "order", "deal"]) + "_" + str(pick.randrange(6))
        entity = entities.setdefault(target, Entity(target))
        noun = target.split("_")[0].capitalize()
        names = pick.sample("abcdefg", pick.randrange(5))
        if entity.fields is None:
            kind = f"{noun}.Created" if entity.version or pick.randrange(2) else pick.choice(["was_placed", f"{noun}.Closed"])
            data = Object((f'"{name}"', value()) for name in names)
        elif pick.randrange(12) == 0:
            kind, data = f"{noun}.Deleted", Object([('"reason"', value())])
        elif pick.randrange(3) == 0:
            kind, data = pick.choice(["was_called", "placed_order", "shipped"]), Object((f'"{name}"', value()) for name in names)
        else:
            kind, data = noun + pick.choice([".Updated", ".Qualified", ".RolledBack"]), Object((f'"{name}"', member(entity, name)) for name in names)
        entity.fold(kind, '"x"', '"x"', entity.stored(kind, data))
        actor = pick.choice(["", '"actor":"agent_1",'])
        print(f'{{"type":"{kind}","target":"{target}",{actor}"data":{compact(data)}}}')


def read(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8", newline="\n") as file:
            return file.read()
    except FileNotFoundError:
        return None


def check(tenant):
    wrong = []

    def compare(what, expected, saw):
        if expected != saw:
            wrong.append(f"{what}:\n  expected {expected!r}\n       saw {saw!r}")

    log = read(tenant, "stream").splitlines()
    events = [(line, parse(line)) for line in log]
    at, previous = {}, ""
    entities = {}
    shown = 0
    for place, (line, event) in enumerate(events):
        target, kind = json.loads(event.get("target")), json.loads(event.get("type"))
        entity = entities.setdefault(target, Entity(target))
        entity.fold(kind, event.get("actor"), event.get("timestamp"), event.get("data"))
        compare(f"version of {line}", str(entity.version), event.get("version"))
        at.setdefault(target, []).append((line, event, entity.state()))
        moment = json.loads(event.get("timestamp"))
        following = json.loads(events[place + 1][1].get("timestamp")) if place + 1 < len(events) else None
        whens = [f"v{entity.version}", json.loads(event.get("id"))]
        # A moment stands for the last event of its microsecond, and only when something came later.
        if following and following != moment:
            whens.append(moment)
        for when in whens:
            directory = os.path.join(tenant, target, "asof", when)
            compare(directory + "/state.json", entity.state(), read(directory, "state.json"))
            names = sorted(os.listdir(os.path.join(directory, "events")))
            compare(directory + "/events", entity.version, len(names))
            if entity.version < 4:
                compare(directory + "/events/*", "".join(l + "\n" for l, _, _ in at[target]), "".join(read(directory, "events", n) for n in names))
            shown += 1
    for target, own in at.items():
        directory = os.path.join(tenant, target)
        text = "".join(line + "\n" for line, _, _ in own)
        names = [f"{i + 1:08}.{json.loads(event.get('type'))}.json" for i, (_, event, _) in enumerate(own)]
        compare(directory + "/stream", text, read(directory, "stream"))
        compare(directory + "/events", names, sorted(os.listdir(os.path.join(directory, "events"))))
        compare(directory + "/events/*", text, "".join(read(directory, "events", name) or "" for name in names))
        compare(directory + "/state.json", own[-1][2], read(directory, "state.json"))
    compare("entities", sorted(at), sorted(name for name in os.listdir(tenant) if "_" in name))
    print(f"{len(events)} events, {len(at)} entities, {shown} past states compared, {len(wrong)} differ")
    for text in wrong[:3]:
        print(text[:1000])
    return 1 if wrong else 0


def past(path, tenant, seed):
    pick = random.Random(seed)
    events = [parse(line) for line in open(path, encoding="utf-8")]
    own = {}
    for event in events:
        own.setdefault(json.loads(event.get("target")), []).append((utc(json.loads(event.get("timestamp"))), event))
    compared, wrong = 0, []
    moments = sorted(pick.sample([at for events in own.values() for at, _ in events], 10))
    for moment in moments:
        # Some of those that something happened to at that time, and some others.
        near = [target for target, events in own.items() if events[0][0][:10] <= moment[:10] <= events[-1][0][:10]]
        for target in pick.sample(near, min(8, len(near))) + pick.sample(sorted(own), 4):
            entity = Entity(target)
            # Texts of one length and zone are in the order of time, but for the digits behind the second.
            for at, event in own[target]:
                if at[:-1] <= moment[:-1]:
                    entity.fold(json.loads(event.get("type")), event.get("actor"), f'"{at}"', event.get("data"))
            expected = entity.state()
            for directory in (f"{target}/asof/{moment}", f"asof/{moment}/{target}"):
                saw = read(tenant, directory, "state.json")
                compared += 1
                if saw != expected:
                    wrong.append(f"{directory}:\n  expected {expected!r}\n       saw {saw!r}")
            if entity.version and len(os.listdir(os.path.join(tenant, target, "asof", moment, "events"))) != entity.version:
                wrong.append(f"{target}/asof/{moment}/events: not {entity.version}")
    print(f"{compared} states at {len(moments)} moments compared, {len(wrong)} differ")
    for text in wrong[:3]:
        print(text[:1000])
    return 1 if wrong else 0


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "record":
        record(*arguments)
    elif command == "mixed":
        mixed(*map(int, arguments))
    elif command == "past":
        sys.exit(past(*arguments))
    else:
        sys.exit(check(*arguments))
