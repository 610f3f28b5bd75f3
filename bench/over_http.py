"""What bench/http.sh measures."""
import argparse, atexit, collections, json, os, pathlib, shutil, socket, subprocess, sys, tempfile, time, urllib.request

here = pathlib.Path(__file__).resolve().parent
options = argparse.ArgumentParser(prog="bench/http.sh")
options.add_argument("--latency-ms", type=float, default=100)
options.add_argument("--at-once", type=int, default=16)
options.add_argument("--records", type=int, default=1000)
options.add_argument("--pages", type=int, default=20000, help="records that are listed in pages of 100")
options.add_argument("--rate", type=int, default=100, help="requests a second that are allowed")
options.add_argument("--calls", type=int, default=200, help="webhooks")
options.add_argument("--only", default="", help="some of: writes, finds, pages, rates, calls")
options.add_argument("dir", nargs="?")
said = options.parse_args()


def program():
    if os.environ.get("LOCKSTEP"):
        return os.environ["LOCKSTEP"]
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "lockstep"], cwd=here.parent, check=True)
    return str(pathlib.Path(os.environ.get("CARGO_TARGET_DIR", here.parent / "target")) / "release" / "lockstep")


class Server:
    # It takes no more at once than the program is told to send: what goes beyond is refused, and counted.
    def __init__(self, *args):
        args = ("--at-once", said.at_once, *args)
        self.process = subprocess.Popen([sys.executable, here / "http_server.py", *map(str, args)], stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.address = self.process.stdout.readline().strip()

    def ask(self, path, body=None):
        data = json.dumps(body or {}).encode()
        request = urllib.request.Request(self.address + path, data=data, method="POST")
        return json.load(urllib.request.urlopen(request))

    def end(self):
        self.process.terminate()


MANIFEST = """title: {title}
settings: {{ address: {{ what: address }} }}
base: '{{{{ address }}}}'
rate: {{ at-once: {at_once}{rate} }}
test: /people?limit=1
types:
  People:
    id: id
    modified: updated
    properties: {{ id: {{ read-only: true }}, name: {{}}, email: {{}} }}
    list:
      request: {{ path: /people, query: {{ offset: '{{{{ offset }}}}', limit: '{{{{ limit }}}}' }} }}
      items: people
      paging: {{ offset: {{ limit: 100, total: total }} }}
    get: {{ request: {{ path: '/people/{{{{ id | url }}}}' }} }}
    find: {{ email: {{ request: {{ path: /people, query: {{ email: '{{{{ value }}}}' }} }}, item: people }} }}
    create: {{ read-after: false, request: {{ method: POST, path: /people }} }}
    update: {{ read-after: false, request: {{ method: PATCH, path: '/people/{{{{ id | url }}}}' }} }}
{hook}"""
HOOK = "webhook: { word: type, types: { People: People }, id: id }\n"


def project(dir, systems, flow):
    (dir / "connectors").mkdir(parents=True)
    (dir / "flows").mkdir()
    text = "store: sqlite:lockstep.db\nfirst_run: go\nlimits: { creates: none, updates: none, deletes: none, vanished: none, clears: none, match_values: none }\nsystems:\n"
    for name, (server, rate, hook) in systems.items():
        manifest = MANIFEST.format(title=name.title(), at_once=said.at_once, rate=f", per-second: {rate}" if rate else "", hook=hook)
        (dir / f"connectors/{name}.yaml").write_text(manifest)
        text += f"  {name}: {{ connector: {name}, with: {{ address: '{server.address}' }}, schedule: {{ every: 1h }} }}\n"
    if "office" in flow:
        text += "  office: { connector: files, with: { folder: data } }\n"
        (dir / "data").mkdir()
    (dir / "lockstep.yaml").write_text(text)
    (dir / "flows/all.yaml").write_text(flow)


FLOW = "flows:\n  - from: {a}.People\n    to: {b}.People\n    create: always\n    match: [email = email]\n    properties: [name <-> name, email <-> email]\n"


def people(dir, count, word="Person"):
    lines = (json.dumps({"id": str(n), "name": f"{word} {n}", "email": f"p{n}@example.com"}) for n in range(1, count + 1))
    (dir / "data/People.jsonl").write_text("\n".join(lines) + "\n" if count else "")


def sync(dir, server, *args):
    server.ask("/_reset")
    began = time.monotonic()
    ran = subprocess.run([lockstep, "sync", *args], cwd=dir, capture_output=True, text=True)
    took = time.monotonic() - began
    if ran.returncode not in (0, 1):
        sys.exit(f"failed ({ran.returncode}): {ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return took, server.ask("/_counts")


def line(what, took, possible, counts, note=""):
    asked = ", ".join(f"{counts[method]} {method}" for method in ("GET", "POST", "PATCH") if counts.get(method))
    refused = f", {counts['refused']} refused" if counts.get("refused") else ""
    print(f"{what:<34} {took:6.2f} s   possible {possible:6.2f} s   {took / possible:5.2f}   {asked}, {counts['peak']} at once{refused}{note}", flush=True)


def rounds(requests):
    return -(-requests // said.at_once) * said.latency_ms / 1000


def writes(top):
    server = Server("--latency-ms", said.latency_ms)
    dir = top / "writes"
    project(dir, {"shop": (server, 0, "")}, FLOW.format(a="office", b="shop"))
    people(dir, said.records)
    line(f"{said.records} creations", *shown(sync(dir, server), said.records))
    people(dir, said.records, "Somebody")
    line(f"{said.records} updates", *shown(sync(dir, server), said.records))
    server.ask("/_set", {"hides": True})
    line(f"{said.records} look-ups by id", *shown(sync(dir, server, "--full"), said.records))
    server.end()


def finds(top):
    # A creation is looked up first where no more than a hundred wait: so each run brings a hundred.
    server = Server("--latency-ms", said.latency_ms)
    dir = top / "finds"
    project(dir, {"shop": (server, 0, "")}, FLOW.format(a="office", b="shop"))
    people(dir, 1)
    sync(dir, server)
    took, sum = 0, collections.Counter()
    runs = max(1, said.records // 100)
    for n in range(1, runs + 1):
        people(dir, 1 + 100 * n)
        one, counts = sync(dir, server)
        took += one
        peak = max(sum["peak"], counts["peak"])
        sum.update({name: counts[name] for name in ("GET", "POST", "PATCH", "refused") if name in counts})
        sum["peak"] = peak
    # The list of what is there comes before them, and tells with the first page how many there are.
    possible = rounds(2 * 100) * runs + said.latency_ms / 1000 * runs
    line(f"{100 * runs} look-ups by find, then created", took, possible, sum, f", in {runs} runs")
    server.end()


def shown(result, requests):
    took, counts = result
    return took, rounds(requests), counts


def pages(top):
    server = Server("--latency-ms", said.latency_ms, "--records", said.pages)
    dir = top / "pages"
    project(dir, {"shop": (server, 0, "")}, FLOW.format(a="office", b="shop").replace("create: always", "create: never"))
    people(dir, 0)
    took, counts = sync(dir, server)
    # The first page tells how many there are.
    possible = said.latency_ms / 1000 + rounds(-(-said.pages // 100) - 1)
    line(f"{said.pages} records in pages of 100", took, possible, counts)
    server.end()


def rates(top):
    for window in ("sliding", "bucket"):
        server = Server("--latency-ms", said.latency_ms, "--rate", said.rate, "--window", window)
        dir = top / window
        project(dir, {"shop": (server, said.rate, "")}, FLOW.format(a="office", b="shop"))
        people(dir, said.records)
        _, counts = sync(dir, server)
        sent = counts["requests"]
        used = (counts["writes"] - 1) / counts["writing"] / said.rate
        print(f"{said.rate} a second, {window:<8}              {100 * used:5.1f} % used, {counts.get('refused', 0)} of {sent} refused", flush=True)
        server.end()


def calls(top):
    crm, shop = Server("--latency-ms", 0, "--records", 50), Server("--latency-ms", 0)
    dir = top / "calls"
    project(dir, {"crm": (crm, 0, HOOK), "shop": (shop, 0, "")}, FLOW.format(a="crm", b="shop"))
    sync(dir, crm)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = subprocess.Popen([lockstep, "run", "--approve", "--webhooks", f"127.0.0.1:{port}"], cwd=dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
    shop.ask("/_reset")
    took = []
    for n in range(said.calls):
        id, name = str(1 + n % 50), f"Name {n}"
        crm.ask("/_edit", {"id": id, "name": name})
        called = time.time()
        body = json.dumps({"type": "People", "id": id}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/hooks/crm", data=body, method="POST")).read()
        until = time.monotonic() + 10
        at = None
        while at is None and time.monotonic() < until:
            at = next((at for at, sent in shop.ask("/_writes")["writes"] if sent.get("name") == name), None)
            time.sleep(0.002)
        if at is None:
            sys.exit(f"call {n} led to no request within 10 s")
        took.append(1000 * (at - called))
        time.sleep(0.02)
    service.terminate()
    took.sort()
    at = lambda share: took[min(len(took) - 1, int(share * len(took)))]
    print(f"{said.calls} webhooks, to the request that follows: median {at(0.5):.0f} ms, p99 {at(0.99):.0f} ms", flush=True)
    crm.end()
    shop.end()


lockstep = os.path.abspath(program())
top = pathlib.Path(said.dir or tempfile.mkdtemp())
print(f"{said.latency_ms:.0f} ms an answer, {said.at_once} at once; the last column of numbers is measured / possible")
for what in (writes, finds, pages, rates, calls):
    if not said.only or what.__name__ in said.only.split(","):
        what(top)
if not said.dir:
    shutil.rmtree(top)
