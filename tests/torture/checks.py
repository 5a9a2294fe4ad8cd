"""What must hold of a tenant, read through its mount and compared with what its writers noted."""

import json
import os
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import harness  # noqa: E402

ENTITY = re.compile(r"^[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9][A-Za-z0-9._:-]*$")
Failure = harness.Failure


def require(condition, what):
    if not condition:
        raise Failure(what)


def read_from(path, offset=0):
    """All bytes from an offset on; they must be whole lines."""
    with open(path, "rb", buffering=0) as file:
        file.seek(offset)
        parts = []
        while part := file.read(1 << 20):
            parts.append(part)
    text = b"".join(parts)
    require(not text or text.endswith(b"\n"), f"{path} ends within a line: …{text[-60:]!r}")
    return text


def first_difference(a, b):
    size = min(len(a), len(b))
    at = next((i for i in range(size) if a[i] != b[i]), size)
    return f"{len(a)} and {len(b)} bytes, first different at {at}: {a[at:at + 40]!r} and {b[at:at + 40]!r}"


def entities_of(tenant):
    with os.scandir(tenant) as entries:  # a scratch file may have the name of an entity
        return [entry.name for entry in entries if ENTITY.match(entry.name) and entry.is_dir()]


FILES_EACH = 300  # event files that are read of one entity: the ends of its history and some from the midst


def require_events(directory, lines):
    """cat events/* is these lines: a file for each version, in this order. Of a long history some are read."""
    files = sorted(os.listdir(directory))
    require(len(files) == len(lines), f"{directory}: {len(files)} files of {len(lines)} events")
    places = range(len(lines))
    if len(places) > FILES_EACH:
        places = {*places[:100], *places[-100:], *random.sample(places, FILES_EACH - 200)}
    for i in places:
        require(files[i].startswith(f"{i + 1:08}."), f"{directory}: {files[i]} stands at place {i + 1}")
        seen = read_from(directory / files[i])
        require(seen == lines[i], f"{directory}/{files[i]}: {first_difference(seen, lines[i])}")


def require_identities(tenant, sample=None):
    """The identities of a tenant: its log by day and the streams of its entities add up to its stream; so do the event
    files of the entities (of `sample`: of that many); versions have no gaps. Returns the number of its events."""
    tenant = pathlib.Path(tenant)
    stream = read_from(tenant / "stream")
    # What a tenant does not list yet cannot be compared.
    days = stream
    if (tenant / "log").exists():
        days = b"".join(read_from(tenant / "log" / day) for day in sorted(os.listdir(tenant / "log")))
    require(days == stream, f"cat log/* is not stream: {first_difference(days, stream)}")
    by_target, ids = {}, set()
    lines = stream.splitlines(keepends=True)
    for line in lines:
        event = json.loads(line)
        mine = by_target.setdefault(event["target"], [])
        mine.append(line)
        require(event["version"] == len(mine), f"{event['target']}: version {event['version']} at place {len(mine)}")
        require(event["id"] not in ids, f"the id {event['id']} stands twice")
        ids.add(event["id"])
    # A directory without an event is one that mkdir reserved.
    listed = {name for name in entities_of(tenant) if os.listdir(tenant / name / "events")}
    require(listed == set(by_target), f"listed but without events, or the other way: {listed ^ set(by_target)}")
    for name, mine in by_target.items():
        whole, own = b"".join(mine), read_from(tenant / name / "stream")
        require(own == whole, f"{name}/stream is not its part of the tenant's: {first_difference(own, whole)}")
    for name in by_target if sample is None else random.sample(sorted(by_target), min(sample, len(by_target))):
        require_events(tenant / name / "events", by_target[name])
    return len(lines)


class Ledger:
    """Follows a tenant that witness.c writes to, across any number of ends of the daemon."""

    def __init__(self, tenant, directory):
        self.tenant = pathlib.Path(tenant)
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.offset = 0  # how much of the stream was judged
        self.position = 0
        self.last = {}  # (round, number) of each writer's latest event
        self.versions = {}
        self.acknowledged = 0
        self.refused = {}  # errno: writes

    def take_notes(self):
        """What the writers of one round noted: {token: position or None}, [tokens of a write that was not answered]."""
        sure, open_writes = {}, []
        for path in sorted(self.directory.iterdir()):
            begun = None
            for line in path.read_text().splitlines(keepends=True):
                if not line.endswith("\n"):
                    break  # the writer was cut; the note says nothing
                kind, first, count, *rest = line.split()
                numbers = range(int(first), int(first) + int(count))
                if kind == "B":
                    begun = numbers
                    continue
                require(begun == numbers, f"the ledger of writer {path.name} is confused at {line!r}")
                begun = None
                tokens = [(int(path.name), self.round, n) for n in numbers]
                if kind == "A":
                    for i, token in enumerate(tokens):
                        sure[token] = int(rest[i]) if rest else None
                elif int(rest[0]) in self.certain:
                    self.refused[int(rest[0])] = self.refused.get(int(rest[0]), 0) + 1
                    self.absent.update(tokens)
                else:
                    open_writes.append(tokens)
            if begun:
                open_writes.append([(int(path.name), self.round, n) for n in begun])
            path.unlink()
        return sure, open_writes

    def judge(self, round_number, certain=()):
        """Compares what is new in the stream with the notes of a round and forgets the notes. `certain`: the errnos after
        which a write must have added nothing. Returns how many events are new."""
        self.round, self.certain, self.absent = round_number, certain, set()
        sure, open_writes = self.take_notes()
        text = read_from(self.tenant / "stream", self.offset)
        found = {}
        for line in text.splitlines():
            event = json.loads(line)
            self.position += 1
            target = event["target"]
            self.versions[target] = self.versions.get(target, 0) + 1
            require(event["version"] == self.versions[target],
                    f"{target}: version {event['version']} where {self.versions[target]} is due")
            token = event["data"]["token"]
            token = token["after"] if isinstance(token, dict) else token
            writer, of_round, number = token = tuple(map(int, token.split("-")))
            require((of_round, number) > self.last.get(writer, (0, 0)),
                    f"writer {writer}: {token} after {self.last.get(writer)}: twice, or out of order")
            self.last[writer] = (of_round, number)
            require(of_round == round_number, f"{token} came up in round {round_number}")
            found[token] = self.position
        self.offset += len(text)
        for token, position in sure.items():
            require(token in found, f"{token} was acknowledged and is lost")
            require(position in (None, found[token]),
                    f"{token}: its receipt says position {position}, it stands at {found[token]}")
        unsure = set()
        for tokens in open_writes:
            there = sum(token in found for token in tokens)
            require(there in (0, len(tokens)), f"a write of {len(tokens)} events is there by {there}: {tokens}")
            unsure.update(tokens)
        for token in self.absent & found.keys():
            raise Failure(f"{token} was refused and is there")
        for token in found.keys() - sure.keys() - unsure:
            raise Failure(f"{token} is there, yet nobody wrote it")
        self.acknowledged += len(sure)
        return len(found)
