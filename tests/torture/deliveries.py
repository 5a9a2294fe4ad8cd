"""Webhooks whose daemon is killed, whose disk is full, and whose queue is long; handlers whose disk is full."""

import errno
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from checks import harness, require  # noqa: E402

RECEIVER = pathlib.Path(__file__).resolve().parents[1] / "mount" / "receiver.py"
SLOTS = 16
ALLOWED = ("-o", "hooks_allow=127.0.0.1")


class Receiver:
    """The receiver of the tests, which notes every request before it answers."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.process = subprocess.Popen([sys.executable, str(RECEIVER), str(self.directory)])
        port = self.directory / "port"
        harness.wait_until(port.exists, 20, "the receiver")
        self.url = f"http://127.0.0.1:{port.read_text()}"

    def requests(self):
        with open(self.directory / "requests") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def stop(self):
        self.process.kill()
        self.process.wait()


def save(tenant, name, url, **members):
    text = json.dumps({"trigger": "Deal.*", "url": url, **members})
    (tenant / "hooks" / "webhooks" / f"{name}.json").write_text(text)


def status(tenant, name):
    return json.loads((tenant / "hooks" / "webhooks" / name / "status.json").read_text())


def append(tenant, first, count, entities):
    """Events number `first` and so on, in turn of each entity; each says its number within its entity."""
    lines = []
    for i in range(first, first + count):
        entity, n = i % entities, i // entities + 1
        lines.append(json.dumps({"type": "Deal.Updated" if n > 1 else "Deal.Created", "target": f"deal_{entity}",
                                 "data": {"n": n}}))
    with open(tenant / "append", "w") as file:
        file.write("\n".join(lines) + "\n")


def require_order(requests, events, entities):
    """Every event came, and none before all earlier ones of its entity."""
    seen = {}
    for request in requests:
        event = json.loads(request["body"])
        most = seen.get(event["target"], 0)
        require(event["version"] <= most + 1, f"{event['target']}: version {event['version']} came after {most}")
        seen[event["target"]] = max(most, event["version"])
    for entity in range(entities):
        wanted = len(range(entity, events, entities))
        found = seen.get(f"deal_{entity}", 0)
        require(found == wanted, f"deal_{entity}: {found} of {wanted} events came")


def killed(t, daemon):
    rounds, entities, each = (5 if t.quick else 100), 40, 200
    receiver = Receiver(daemon.directory / "received")
    try:
        tenant = daemon.tenant("acme")
        save(tenant, "w", f"{receiver.url}/first/1/w", retry={"backoff": [0.01]})
        events = 0
        for _ in range(rounds):
            append(tenant, events, each, entities)
            events += each
            time.sleep(t.random.uniform(0.01, 0.3))
            daemon.require_alive()
            daemon.kill()
            daemon.start()
        harness.wait_until(lambda: status(tenant, "w")["lag"] == 0, 120, "the queue to run empty")
        state = status(tenant, "w")
        requests = receiver.requests()
    finally:
        receiver.stop()
    require(state["dead"] == 0, f"{state['dead']} events were given up")
    require_order(requests, events, entities)
    # Each takes two attempts; a kill repeats at most what was under way.
    most = 2 * events + rounds * SLOTS
    require(len(requests) <= most, f"{len(requests)} requests, where {most} are the most")
    return f"{rounds} kills: {events:,} events, each came, in order, by {len(requests):,} requests ({2 * events:,} without a kill)"


def forwarded(t, daemon):
    """A service that takes batches, tries them all once more, and whose daemon is killed: every event comes."""
    rounds, each, batch = (5 if t.quick else 100), 400, 20
    receiver = Receiver(daemon.directory / "received")
    try:
        tenant = daemon.tenant("acme")
        path = tenant / "hooks" / "integrations" / "i.json"
        path.write_text(json.dumps({"provider": "posthog", "config": {"apiKey": "slow/5/i", "host": receiver.url},
                                    "batchSize": batch, "flushInterval": 20}))
        events = 0
        for _ in range(rounds):
            append(tenant, events, each, 40)
            events += each
            time.sleep(t.random.uniform(0.01, 0.2))
            daemon.require_alive()
            daemon.kill()
            daemon.start()
        shown = tenant / "hooks" / "integrations" / "i" / "status.json"
        harness.wait_until(lambda: json.loads(shown.read_text())["lag"] == 0, 120, "the queue to run empty")
        state = json.loads(shown.read_text())
        bodies = [json.loads(request["body"])["batch"] for request in receiver.requests()]
    finally:
        receiver.stop()
    came = [event["uuid"] for body in bodies for event in body if event["event"].startswith("Deal")]
    require(state["dead"] == 0 and state["dropped"] == 0, f"{state['dead']} events are dead, {state['dropped']} dropped")
    require(len(set(came)) == events, f"{len(set(came))} of {events} events came")
    most = events + rounds * SLOTS * batch
    require(len(came) <= most, f"{len(came)} events were sent, where {most} are the most")
    return f"{rounds} kills while batches of {batch} are forwarded: {events:,} events, each came, {len(came) - events:,} of them again"


def queued(t, daemon):
    events = 20_000 if t.quick else 1_000_000
    tenant = daemon.tenant("long")
    save(tenant, "w", "http://127.0.0.1:1/", retry={"maxAttempts": 100, "backoff": [3600]})
    harness.run_json([harness.program(t.build, "bench/load"), str(tenant / "append"), "--events", str(events)])
    harness.wait_until(lambda: status(tenant, "w")["lag"] == events, 120, "all of them to be counted")
    daemon.settle()
    waiting_mib = daemon.note_memory() // 1024
    port_file = daemon.directory / "port"
    sent = min(events * 9 // 10, 50_000)
    receiver = subprocess.Popen([harness.program(t.build, "bench/hook"), "--receive", str(sent), str(port_file)],
                                stdout=subprocess.PIPE, text=True)
    port = harness.wait_until(lambda: port_file.exists() and port_file.read_text().strip(), 10, "the receiver's port")
    save(tenant, "w", f"http://127.0.0.1:{port}/", retry={"maxAttempts": 100, "backoff": [0.1]})
    receiver.wait(120)
    sending_mib = daemon.note_memory() // 1024
    require(max(waiting_mib, sending_mib) <= 128, f"{waiting_mib} and {sending_mib} MiB are resident")
    return f"{events:,} queued: {waiting_mib} MiB resident, {sending_mib} MiB after {sent:,} of them were sent"


def full(t, daemon, disk, use_up):
    """The disk is full while deliveries are under way: they stand still, and nothing is lost."""
    receiver = Receiver(daemon.directory / "received")
    try:
        tenant = daemon.tenant("acme")
        save(tenant, "w", f"{receiver.url}/slow/20/w")
        append(tenant, 0, 2000, 50)
        harness.wait_until(lambda: len(receiver.requests()) > 100, 30, "the first deliveries")
        use_up(disk / "rest")
        time.sleep(3)
        daemon.require_alive()
        (disk / "rest").unlink()
        harness.wait_until(lambda: status(tenant, "w")["lag"] == 0, 120, "the queue to run empty")
        requests = receiver.requests()
    finally:
        receiver.stop()
    require_order(requests, 2000, 50)
    require(len(requests) <= 2000 + SLOTS, f"{len(requests)} requests for 2,000 events")
    return f"a disk full for 3 s: 2,000 events, each came, in order, by {len(requests):,} requests"


def count_lines(path):
    with open(path, "rb") as file:
        return sum(1 for _ in file)


def append_until_full(tenant, lines):
    """Appends, each line by a write of its own, until the disk is full. How many were taken."""
    taken = 0
    with open(tenant / "append", "wb", buffering=0) as file:
        for line in lines:
            try:
                file.write(line)
            except OSError as error:
                require(error.errno == errno.ENOSPC, f"a full disk is told as {error}")
                return taken
            taken += 1
    raise harness.Failure(f"the disk is not full after {taken} events")


def grown(t, daemon, disk, use_up):
    """The disk fills while a queue grows, whose receiver is down; when there is room and the receiver is back, every
    event that was taken comes, in order."""
    entities = 20
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(4 << 20))
    receiver = Receiver(daemon.directory / "received-grown")
    try:
        (receiver.directory / "grown").write_text("503")
        tenant = daemon.tenant("grown")
        save(tenant, "w", f"{receiver.url}/control/grown", retry={"maxAttempts": 100, "backoff": [0.2]})
        text = "x" * 4000
        taken = append_until_full(tenant, (
            json.dumps({"type": "Deal.Updated" if i >= entities else "Deal.Created", "target": f"deal_{i % entities}",
                        "data": {"n": i, "text": text}}).encode() + b"\n" for i in range(100_000)))
        time.sleep(1)
        daemon.require_alive()
        ballast.unlink()
        (receiver.directory / "grown").write_text("200")
        harness.wait_until(lambda: status(tenant, "w")["lag"] == 0, 120, "the queue to run empty")
        require(status(tenant, "w")["delivered"] == taken, f"{status(tenant, 'w')['delivered']} of {taken} events came")
        requests = receiver.requests()
    finally:
        receiver.stop()
    require_order(requests, taken, entities)
    return f"a disk that filled while the receiver was down: {taken:,} events, each came, in order"


def cascaded(t, daemon, disk, use_up):
    """The disk fills in the midst of cascades: each is there whole or not at all, and they go on when there is room."""
    each = 50
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(4 << 20))
    tenant = daemon.tenant("cascaded")
    (tenant / "hooks" / "handlers" / "Deal.closed.js").write_text(
        "(deal, $) => { for (let i = 0; i < %d; i++) $.Note.create({ deal: deal.$id, text: 'x'.repeat(400) }) }\n" % each)
    before = count_lines(tenant / "stream")

    def whole(taken, when):
        seen = count_lines(tenant / "stream") - before
        require(seen == taken * (1 + each), f"{when}: {seen} events of {taken} cascades of {1 + each}")

    taken = append_until_full(tenant, (
        json.dumps({"type": "Deal.Closed", "target": f"deal_{i}"}).encode() + b"\n" for i in range(100_000)))
    daemon.require_alive()
    whole(taken, "on the full disk")
    ballast.unlink()
    with open(tenant / "append", "wb", buffering=0) as file:
        file.write(b'{"type":"Deal.Closed","target":"deal_again"}\n')
    whole(taken + 1, "when there was room again")
    daemon.restart()
    whole(taken + 1, "after a restart")
    return f"a disk that filled in cascades: {taken:,} of {1 + each} events, each whole"
