#!/usr/bin/env python3
"""A little business system over HTTP for bench/http.sh: people, with a latency, a rate and a number of requests at once that it allows.

Prints its address. GET /_counts tells what it was asked, POST /_reset forgets that, POST /_set changes latency, rate, window, at_once,
records and what its list hides. What is one request too many is refused with 429 and a second's Retry-After.
"""
import argparse, collections, json, socket, sys, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

options = argparse.ArgumentParser()
options.add_argument("--latency-ms", type=float, default=100)
options.add_argument("--rate", type=int, default=0, help="requests a second; 0: no limit")
options.add_argument("--window", choices=["sliding", "bucket"], default="sliding")
options.add_argument("--at-once", type=int, default=0, help="requests under way at one time; 0: no limit")
options.add_argument("--records", type=int, default=0)
options.add_argument("--port", type=int, default=0)
said = options.parse_args()


class System:
    def __init__(self):
        self.lock = threading.Lock()
        self.latency, self.rate, self.window, self.at_once = said.latency_ms / 1000, said.rate, said.window, said.at_once
        self.hides = False
        self.fill(said.records)
        self.reset()

    def fill(self, count):
        self.people = {str(n): {"id": str(n), "name": f"Person {n}", "email": f"p{n}@example.com", "updated": "2026-01-01T00:00:00Z"} for n in range(1, count + 1)}
        self.ids = count
        self.listed = None

    def reset(self):
        self.counts = collections.Counter()
        self.arrived = collections.deque()
        self.tokens, self.filled = float(self.rate), time.monotonic()
        self.under_way = self.peak = 0
        self.writes = []
        self.first = self.last = None

    def refuses(self, now):
        if self.at_once and self.under_way >= self.at_once:
            return True
        if not self.rate:
            return False
        if self.window == "sliding":
            while self.arrived and now - self.arrived[0] >= 1:
                self.arrived.popleft()
            if len(self.arrived) >= self.rate:
                return True
            self.arrived.append(now)
            return False
        self.tokens = min(self.rate, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            return True
        self.tokens -= 1
        return False


system = System()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def reply(self, status, body, *headers):
        text = json.dumps(body).encode() if body is not None else b""
        lines = [f"HTTP/1.1 {status} X", f"Date: {self.date_time_string()}", "Content-Type: application/json", f"Content-Length: {len(text)}", *headers]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if path.startswith("/_"):
            return self.reply(200, self.control(path, body))
        began = time.monotonic()
        with system.lock:
            system.counts["requests"] += 1
            if system.refuses(began):
                system.counts["refused"] += 1
                return self.reply(429, {"error": "too many"}, "Retry-After: 1")
            system.counts[self.command] += 1
            system.first = system.first or began
            system.last = began
            system.under_way += 1
            system.peak = max(system.peak, system.under_way)
            if self.command in ("POST", "PATCH"):
                system.writes.append((time.time(), body))
        try:
            left = began + system.latency - time.monotonic()
            if left > 0:
                time.sleep(left)
            status, shown = self.answer(path, query, body)
        finally:
            with system.lock:
                system.under_way -= 1
        self.reply(status, shown)

    def control(self, path, body):
        with system.lock:
            if path == "/_set":
                for name in ("latency", "rate", "window", "at_once", "hides"):
                    if name in body:
                        setattr(system, name, body[name])
                if "records" in body:
                    system.fill(body["records"])
            if path in ("/_reset", "/_set"):
                system.reset()
            if path == "/_edit":
                system.people[body["id"]].update(body, updated=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            took = system.last - system.first if system.first else 0
            writing = [at for at, _ in system.writes]
            return {**system.counts, "peak": system.peak, "took": took, "writing": writing[-1] - writing[0] if writing else 0, "writes": system.writes if path == "/_writes" else len(system.writes)}

    def answer(self, path, query, body):
        with system.lock:
            if path == "/people" and self.command == "GET":
                if "email" in query:
                    found = [person for person in system.people.values() if person["email"] == query["email"]]
                    return 200, {"people": found, "total": len(found)}
                if system.listed is None or len(system.listed) != len(system.people):
                    system.listed = list(system.people.values())
                people = [] if system.hides else system.listed
                offset, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
                return 200, {"people": people[offset : offset + limit], "total": len(people)}
            if path == "/people" and self.command == "POST":
                system.ids += 1
                person = {**body, "id": str(system.ids)}
                system.people[person["id"]] = person
            else:
                person = system.people.get(path.removeprefix("/people/"))
                if person is None:
                    return 404, {"error": "not there"}
                if self.command == "PATCH":
                    person.update(body)
            if self.command != "GET":
                person["updated"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            return 200, dict(person)

    do_GET = do_POST = do_PATCH = handle_one


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", said.port), Handler)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
