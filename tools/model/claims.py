#!/usr/bin/env python3
"""An executable model of "Keeping equal" (P0, P1, P1a, P1c, P1e, P2, P3, P5, P11, P12; C1 for `on: create`; L9 for flows that do not hold).

    python3 claims.py [WORLDS]        random worlds, checked; prints what failed and the seed, or that all held
    python3 claims.py --world SEED    one world as a JSON document: types, how each stores, flows, conditions, what bears on what, what
                                      the records hold before they are linked, the script (per run: edits with their times, flows that
                                      do not hold, the order of reading, what was written), and the end
    python3 claims.py --worlds N      the first N worlds, one a line: `crates/engine/tests/worlds.jsonl` is made by `--worlds 1000`
    python3 claims.py --groups N      the same of groups (`groups.jsonl`), `--rows N` of what rows say (`rows.jsonl`), `--sets N` of lists (`sets.jsonl`)

A world: one entity with a record of each of 2 to 4 record types with 1 to 3 properties, random property pairs between some of the types,
flows that stop holding and hold again, targets that rewrite what they store (upper case, cut to three characters), systems that tell
times and systems that do not, people editing, and runs that read the systems in random order. Groups (P1e) have worlds of their own, and so have what a row can say
(`wins`, `prefer`, `only_from`, `clears`, `default`, `on: create`, one direction) and lists whose elements come and go one by one (P11).

Checked: after a quiet run nothing more is written (fixed point); the order of reading does not matter; every clean class (properties
connected by pairs, at most one of each type) ends equal in all systems once all flows hold, and while some do not, what is left of the
graph does; an edit alone changes nothing else in its own record; at the first link a value beats an empty one, a told time one that nobody
tells, and of two the first-named record type's wins a tie; a group is in every record one that somebody put in, never a mixture; where the value decides, the best is everywhere, and where a system
does, its own; a default comes into no record that has a claim, and goes nowhere; what goes one way does not come back; of a list nothing
is lost that nobody took out.

The engine is held against this model on the same random worlds: `crates/engine/tests/claims.rs`.
"""
import json
import random
import sys
from collections import defaultdict


def bears(types, flows):
    """P0: for each two record types the mutually nearest properties in the graph of all pairs, by ways that touch no other
    property of either type. Returns {(T, U): [((p, q), rows along the way)]}, in the order of the rows."""
    graph = defaultdict(list)
    for (T, U), rows in flows.items():
        for i, (p, q) in rows:
            graph[T, p].append(((U, q), i))
            graph[U, q].append(((T, p), i))

    def nearest(start, U):
        seen, level = {start: ()}, [start]
        while level:
            found = {node: seen[node] for node in level if node[0] == U}
            if found:
                return found
            following = []
            for node in level:
                for other, row in graph[node]:
                    if other not in seen and other[0] != start[0]:
                        seen[other] = seen[node] + (row,)
                        following.append(other)
            level = following
        return {}

    related = {}
    for T in types:
        for U in types:
            if T != U:
                rows = {(p, q): way for X, p in list(graph) if X == T
                        for (_, q), way in nearest((T, p), U).items() if (T, p) in nearest((U, q), T)}
                related[T, U] = sorted(rows.items(), key=lambda row: (row[1], row[0]))
    return related


def block_rows(rows):
    """P1c: which rows between two record types only fill what is empty at the first link. Where several properties of one are paired with
    several of the other, the n-th belongs to the n-th, in the order in which they are first named."""
    left, right = {}, {}
    ends = [(left.setdefault(p, len(left)), right.setdefault(q, len(right))) for p, q in rows]
    up = list(range(len(left) + len(right)))

    def find(x):
        while up[x] != x:
            x = up[x]
        return x

    for a, b in ends:
        a, b = find(a), find(len(left) + b)
        up[max(a, b)] = min(a, b)
    components = defaultdict(list)
    for at, (a, _) in enumerate(ends):
        components[find(a)].append(at)
    fills = [False] * len(rows)
    for component in components.values():
        mine, theirs = sorted({ends[at][0] for at in component}), sorted({ends[at][1] for at in component})
        if len(mine) < 2 or len(theirs) < 2:
            continue
        paired = {ends[at] for at in component}
        belongs = [pair for pair in zip(mine, theirs) if pair in paired]
        for a in mine:
            if all(known != a for known, _ in belongs):
                free = [b for b in theirs if all(known != b for _, known in belongs) and (a, b) in paired]
                belongs += [(a, b) for b in free[:1]]
        for at in component:
            fills[at] = ends[at] not in belongs
    return fills


STORES = {"as it is": str, "upper case": str.upper, "first three characters": lambda value: value[:3]}


class World:
    """live: what each system holds. Known to Lockstep: shadow (as last read or answered), claim (latest edit of a property:
    value, when, where it goes), carried (whose claim a property was given)."""

    def __init__(self, rng):
        n = rng.randint(2, 4)
        self.types = [f"T{i}" for i in range(n)]
        self.props = {T: [f"p{i}" for i in range(rng.randint(1, 3))] for T in self.types}
        self.flows = {}
        between = [(self.types[rng.randrange(i)], self.types[i]) for i in range(1, n)]
        if n > 2 and rng.random() < 0.6:
            between.append(tuple(rng.sample(self.types, 2)))
        for T, U in between:
            if (T, U) not in self.flows and (U, T) not in self.flows:
                self.flows[T, U] = [(p, q) for p in self.props[T] for q in self.props[U] if rng.random() < 0.5]
        self.conditioned = [pair for pair in self.flows if rng.random() < 0.3]
        self.kept, self.fills = {}, {}
        for pair, rows in self.flows.items():
            numbered = list(enumerate(rows))
            only_fill = block_rows(rows)
            self.kept[pair] = [row for row, fill in zip(numbered, only_fill) if not fill]
            self.fills[pair] = [row for _, row in (one for one, fill in zip(numbered, only_fill) if fill)]
        self.graphs, self.suspended = {}, ()
        self.stored_as = {T: rng.choice(sorted(STORES)) for T in self.types}
        self.stores = {T: STORES[kind] for T, kind in self.stored_as.items()}
        nodes = [(T, p) for T in self.types for p in self.props[T]]
        self.live = {(T, p): self.stores[T](value(rng)) if rng.random() < 0.6 else None for T, p in nodes}
        # When a record was last changed before it was linked; 0 where its system does not tell (P1).
        self.told = {T: rng.randint(1, 3) if rng.random() < 0.7 else 0 for T in self.types}
        self.before = dict(self.live)
        self.shadow, self.claim, self.carried, self.inherited = dict.fromkeys(nodes), {}, {}, {}
        self.edited_at, self.now = {}, 10

    def related(self, suspended=None):
        """P0, L9: what bears on what in the graph of the flows that hold."""
        suspended = self.suspended if suspended is None else suspended
        if suspended not in self.graphs:
            self.graphs[suspended] = bears(self.types, {pair: rows for pair, rows in self.kept.items() if pair not in suspended})
        return self.graphs[suspended]

    def filling(self, T, p):
        """P1c: what (T, p) may fill at the first link."""
        for (A, B), rows in self.fills.items():
            if (A, B) not in self.suspended:
                for a, b in rows:
                    if (T, p) == (A, a):
                        yield B, b
                    elif (T, p) == (B, b):
                        yield A, a

    def group(self, T, p, U):
        return [q for (mine, q), _ in self.related().get((T, U), []) if mine == p]

    def edit(self, node, text):
        self.now += 1
        self.live[node] = self.stores[node[0]](text)
        self.edited_at[node] = self.now

    def goes(self, node, displaced):
        """P1a, settled when the claim is made: of several properties of a type paired with this one, those that held
        what it displaces, or the first row's if none did."""
        out = {}
        for U in self.types:
            group = self.group(*node, U) if U != node[0] else []
            if len(group) > 1:
                as_stored = None if displaced is None else self.stores[U](displaced)
                out[U] = [q for q in group if self.shadow[U, q] == as_stored] or group[:1]
        return out

    def link(self):
        """The first link: what each record holds is claimed at the time that its system tells, or at none. P1a: it goes where nothing is.
        P1c: what wins over all that belongs to it fills what is empty, where nothing that belongs there has a value."""
        self.shadow = dict(self.live)
        for (T, p), text in self.live.items():
            if text is not None:
                self.claim[T, p] = {"value": text, "at": self.told[T], "from": (T, p), "goes": {}}
        for (T, p), claim in self.claim.items():
            claim["goes"] = self.goes((T, p), None)
            for U, q in self.filling(T, p):
                mine = self.group(T, p, U)
                loses = any((U, other) in self.claim and not self.beats(claim, self.claim[U, other]) for other in mine)
                belong = self.group(U, q, T)
                if not loses and self.shadow[U, q] is None and all(self.shadow[T, other] is None for other in belong):
                    claim["goes"].setdefault(U, list(mine)).append(q)

    def beats(self, one, other):
        """P1: the later, on a tie the first-named record type's."""
        key = lambda claim: (claim["at"], -self.types.index(claim["from"][0]))
        return key(one) > key(other)

    def bearing(self, node):
        """What bears on a property now."""
        T, p = node
        return [(U, theirs) for U in self.types for (mine, theirs), _ in self.related().get((T, U), []) if mine == p]

    def wanted(self, node):
        """P1: the latest claim among its own and those of the properties that bear on it in other records. P1c: what fills counts where
        there is no other."""
        T, p = node
        best = self.latest(node, {**self.claim, **self.inherited})
        if best is None:
            for other in self.filling(T, p):
                claim = self.claim.get(other)
                if claim and p in claim["goes"].get(T, []) and (best is None or self.beats(claim, best)):
                    best = claim
        return best

    def cut_off(self, node):
        """L9: it was given a claim that does not reach it any more, as a flow does not hold. An older one does not take its place."""
        carried = self.carried.get(node)
        return carried if carried and carried["from"] not in self.bearing(node) + list(self.filling(*node)) else None

    def latest(self, node, claims):
        T, p = node
        best = claims.get(node)
        for other in self.bearing(node):
            claim = claims.get(other)
            if claim is None or (T in claim["goes"] and p not in claim["goes"][T]):
                continue
            if best is None or self.beats(claim, best):
                best = claim
        return best

    def inherit(self):
        """L9: what a property was given by a claim that does not reach it any more counts as put into it: it shows that until somebody puts
        in another. P1a: to several properties of a type it does not go."""
        self.inherited = {}
        for node in self.live if self.suspended else ():
            cut_off, latest = self.cut_off(node), self.latest(node, self.claim)
            if cut_off and not (latest and latest["at"] > cut_off["at"]):
                several = {U: [] for U in self.types if U != node[0] and len(self.group(*node, U)) > 1}
                self.inherited[node] = {"value": self.shadow[node], "at": cut_off["at"], "from": node, "goes": several}

    def only_filled(self):
        """P1c: what was filled is nobody's claim, and goes nowhere from there."""
        return {node for node, claim in self.carried.items() if claim["from"] in self.filling(*node)}

    def run(self, order, first=False):
        """Read the systems in this order, decide, write. Returns the properties written."""
        read = {}
        for T in order:
            for p in self.props[T]:
                node = (T, p)
                if self.live[node] != self.shadow[node] and not first:   # R2: only a difference from the shadow is an edit
                    self.claim[node] = {"value": self.live[node], "at": self.edited_at[node], "from": node,
                                        "goes": self.goes(node, self.shadow[node])}
                    self.carried.pop(node, None)
                    read[node] = self.live[node]
        self.shadow.update(read)
        if first:
            self.link()
        self.inherit()
        written = []
        for node in self.live:
            claim = self.wanted(node)
            if claim is None or claim["from"] == node or self.carried.get(node) == claim:
                continue
            cut_off = self.cut_off(node)
            if cut_off and claim["at"] <= cut_off["at"]:
                continue
            stored = self.stores[node[0]](claim["value"])
            if stored != self.shadow[node]:                          # P3: judged in the target's own terms
                self.live[node] = stored
                written.append(node)
            self.shadow[node] = stored                               # what the answer shows is no claim (P3, P5)
            self.carried[node] = claim
        return written


def value(rng):
    return f"v{rng.randrange(90)}{rng.choice('abXY')}"


def classes(flows, clean=True):
    """The properties that rows connect, where they are at most one of each type."""
    up = {}

    def find(x):
        up.setdefault(x, x)
        while up[x] != x:
            x = up[x]
        return x

    for (T, U), rows in flows.items():
        for p, q in rows:
            up[find((T, p))] = find((U, q))
    members = defaultdict(list)
    for node in up:
        members[find(node)].append(node)
    return [m for m in members.values() if not clean or len({T for T, _ in m}) == len(m)]


def differ(world, members):
    values = [world.live[node] for node in members]
    return len({v and v[:3].upper() for v in values}) > 1


def holding(world, suspended):
    """The rows of the flows that hold, without those that only fill."""
    return {pair: [row for _, row in rows] for pair, rows in world.kept.items() if pair not in suspended}


def play(seed, order_seed):
    rng, shuffled = random.Random(seed), random.Random(order_seed)
    world, failed, script = World(rng), set(), []
    for run in range(rng.randint(2, 8) + 1):
        edits = []
        if run > 0:
            edits = [(rng.choice(list(world.live)), value(rng)) for _ in range(rng.randint(1, 3))]
            world.suspended = tuple(pair for pair in world.conditioned if rng.random() < 0.4)
        for node, text in edits:
            world.edit(node, text)
        order = list(world.types)
        shuffled.shuffle(order)
        written = world.run(order, first=run == 0)
        script.append({"edits": [[*node, text] for node, text in edits], "suspended": [list(pair) for pair in world.suspended],
                       "read": order, "written": sorted([*node, world.live[node]] for node in written)})
        # Edits in one record only: nothing may come back into it. (What was kept back comes through where a flow holds again.)
        if not world.conditioned and len({T for (T, _), _ in edits}) == 1 and any(T == edits[0][0][0] for T, _ in written):
            failed.add("an edit came back into its own record")
        if run == 0:
            failed |= first_link_fails(world)
        # What is clean in the whole graph, and what of it the flows that hold still connect; but for what has only been filled.
        clean = {node for members in classes(holding(world, ())) for node in members}
        for members in classes(holding(world, world.suspended)):
            apart = set(members) & world.only_filled()
            if clean.issuperset(members) and not apart and differ(world, members):
                failed.add("what is left of the graph differs")
    script_end = dict(world.live)
    world.suspended = ()
    world.run(world.types)
    quiet = [world.run(world.types) for _ in range(2)]
    return world, failed, quiet, script, script_end


def first_link_fails(world):
    failed = set()
    for members in classes(holding(world, ())):
        told = [(world.told[T], -world.types.index(T), world.before[T, p]) for T, p in members if world.before[T, p] is not None]
        if told and len(members) > 1:
            wins = max(told)[2]
            # Each system has made its own of it.
            if not set(members) & world.only_filled() and any(world.live[node] != world.stores[node[0]](wins) and world.before[node] != wins for node in members):
                failed.add("at the first link the wrong value wins")
    return failed


class GroupWorld:
    """P1e: the properties of a group move together. Two or three records with the same group of properties, paired one with one. The latest
    claim of any of a group's properties carries all of them: its record's whole group as it is now."""

    def __init__(self, rng):
        self.types = [f"T{i}" for i in range(rng.randint(2, 3))]
        self.size = rng.randint(2, 3)
        self.live = {T: [value(rng) if rng.random() < 0.7 else None for _ in range(self.size)] for T in self.types}
        self.told = {T: rng.randint(0, 3) for T in self.types}
        self.known, self.claim, self.carried, self.now = {}, {}, {}, 10
        self.put_in = {tuple(group) for group in self.live.values()}

    def edit(self, T, changes):
        self.now += 1
        for at, text in changes:
            self.live[T][at] = text
        self.edited = dict(getattr(self, "edited", {}), **{T: self.now})
        self.put_in.add(tuple(self.live[T]))

    def run(self, order, first=False):
        for T in order:
            if first and any(self.live[T]):
                self.claim[T] = self.told[T]
            elif not first and self.live[T] != self.known[T]:
                self.claim[T] = self.edited[T]
                self.carried.pop(T, None)
            self.known[T] = list(self.live[T])
        if not self.claim:
            return []
        wins = max(self.claim, key=lambda T: (self.claim[T], -self.types.index(T)))
        stamp, written = (wins, self.claim[wins]), []
        for T in self.types:
            if T != wins and self.carried.get(T) != stamp:
                if self.live[T] != self.live[wins]:
                    self.live[T] = list(self.live[wins])
                    written.append(T)
                self.known[T], self.carried[T] = list(self.live[T]), stamp
        return written


def play_groups(seed, order_seed, script=None):
    rng, shuffled = random.Random(seed), random.Random(order_seed)
    world, failed = GroupWorld(rng), set()
    for run in range(rng.randint(2, 8) + 1):
        edits = []
        if run > 0:
            for T in rng.sample(world.types, rng.randint(1, 2)):
                changes = [(rng.randrange(world.size), value(rng)) for _ in range(rng.randint(1, 2))]
                world.edit(T, changes)
                edits.append([world.now, T, changes])
        order = list(world.types)
        shuffled.shuffle(order)
        written = world.run(order, first=run == 0)
        if script is not None:
            script.append({"edits": edits, "read": order, "written": sorted(written)})
        if any(tuple(group) not in world.put_in for group in world.live.values()):
            failed.add("a group is mixed of two")
        if len({tuple(group) for group in world.live.values()}) > 1:
            failed.add("a group differs")
        if world.run(world.types):
            failed.add("not a fixed point (groups)")
    return world, failed


class RowWorld:
    """What a row can say of which claim wins, and which way it goes: a chain of two or three records with a property each.

    latest, wins, prefer, only_from: all rows go both ways. clears: they do, and what is emptied stays where it is (P2). one-way: each its own way (P12). default: what the second record has while nothing
    is claimed of the first; it is no claim. on-create: what the second record is created with, and nothing after (C1)."""

    KINDS = ("wins", "prefer", "only_from", "default", "one-way", "on-create", "latest", "clears")
    LEVELS = ["gold", "silver", "bronze"]
    DEFAULT = "unknown"

    def __init__(self, rng):
        self.kind = rng.choice(self.KINDS)
        self.types = [f"T{i}" for i in range(2 if self.kind in ("default", "on-create") else rng.randint(2, 3))]
        ways = {"one-way": ["<->", "->", "<-"], "on-create": ["->"]}.get(self.kind, ["<->"])
        self.ways = [rng.choice(ways) for _ in self.types[1:]]
        self.wins = rng.choice(["max", "min", "longest", "any-of"]) if self.kind == "wins" else None
        self.systems = rng.sample(self.types, rng.randint(1, len(self.types)))
        self.live = {T: self.value(rng) if rng.random() < 0.7 else None for T in self.types}
        if self.kind == "on-create":
            self.absent = rng.random() < 0.7
            if self.absent:
                self.live["T1"] = None
        else:
            self.absent = False
        self.told = {T: rng.randint(0, 3) for T in self.types}
        self.before, self.created = dict(self.live), False
        self.known, self.claim, self.carried, self.edited, self.now = {}, {}, {}, {}, 10

    def value(self, rng):
        if self.wins == "any-of":
            return rng.choice(self.LEVELS + ["other", "none"])
        if self.wins in ("max", "min"):
            return str(rng.randrange(30))
        return value(rng) + "x" * rng.randrange(3) if self.wins else value(rng)

    def reaches(self, T, U):
        """P12: whether what is put into T goes to U."""
        a, b = self.types.index(T), self.types.index(U)
        between = self.ways[min(a, b):max(a, b)]
        return T != U and self.kind != "on-create" and all(way in ("<->", "->" if a < b else "<-") for way in between)

    def edit(self, T, text):
        self.now += 1
        self.live[T], self.edited[T] = text, self.now

    def precedence(self, T, claim):
        """Which claim comes first in T: by the policy, then the latest, then what comes one way, then the first-named record type's."""
        source, text = claim["from"], claim["value"]
        policy = 0
        if self.kind == "prefer":
            policy = self.systems.index(source) if source in self.systems else len(self.systems)
        elif self.kind == "wins":
            by = {"max": lambda: -int(text), "min": lambda: int(text), "longest": lambda: -len(text),
                  "any-of": lambda: self.LEVELS.index(text) if text in self.LEVELS else len(self.LEVELS)}[self.wins]
            policy = (1, 0) if text is None else (0, by())
        one_way = source != T and not self.reaches(T, source)
        return policy, -claim["at"], not one_way, self.types.index(source)

    def wanted(self, T):
        """What T takes: the first of its own claim and of those that reach it; with `only_from` of those of one system."""
        claims = [claim for U, claim in self.claim.items() if U == T or self.reaches(U, T)]
        if self.kind == "clears":
            claims = [claim for claim in claims if claim["from"] == T or claim["value"] is not None]
        if self.kind == "only_from":
            claims = [claim for claim in claims if claim["from"] == self.systems[0]]
        return min(claims, key=lambda claim: self.precedence(T, claim), default=None)

    def run(self, order, first=False):
        for T in order:
            if first and self.live[T] is not None:
                self.claim[T] = {"value": self.live[T], "at": self.told[T], "from": T}
            elif not first and self.live[T] != self.known[T]:
                self.claim[T] = {"value": self.live[T], "at": self.edited[T], "from": T}
                self.carried.pop(T, None)
            self.known[T] = self.live[T]
        written = []
        if self.kind == "on-create":
            if self.absent and not self.created and self.live["T0"] is not None:
                self.created = True
                self.live["T1"] = self.known["T1"] = self.live["T0"]
                written.append("T1")
            return written
        for T, claim in [(T, self.wanted(T)) for T in self.types]:
            if claim is None:
                # A default is Lockstep's own: no claim.
                claim = {"value": None, "at": None, "from": None}
                if self.kind != "default" or T != "T1" or self.live[T] is not None:
                    continue
            if claim["from"] == T or self.carried.get(T) == claim:
                continue
            # What came from where it has been emptied since stays; an older claim does not take its place.
            if self.kind == "clears" and T in self.carried and claim["at"] <= self.carried[T]["at"]:
                continue
            text = claim["value"]
            if self.kind == "default" and T == "T1" and text is None:
                text = self.DEFAULT
            if text != self.known[T]:
                self.live[T] = self.known[T] = text
                written.append(T)
                if self.kind == "wins":
                    # All that a record shows counts, whoever put it there.
                    self.claim[T] = {"value": text, "at": claim["at"], "from": T}
            self.carried[T] = claim
        return written

    def fails(self, edits):
        """What does not hold after a run in which these were edited."""
        shown = set(self.live.values())
        if self.kind in ("latest", "wins", "prefer") and len(shown) > 1:
            yield f"the records differ ({self.kind})"
        if self.kind == "only_from" and self.claim.get(self.systems[0]) and shown != {self.live[self.systems[0]]}:
            yield "another system's value stands (only_from)"
        if self.kind == "default" and self.live["T0"] == self.DEFAULT:
            yield "a default has travelled"
        if self.kind == "default" and self.live["T1"] is None:
            yield "a default is missing"
        for T in self.types:
            if self.kind == "clears" and T not in edits and self.live[T] is None and self.last[T] is not None:
                yield "what was emptied has emptied another (clears)"
            touched = any(U == T or self.reaches(U, T) for U in edits)
            made = T == "T1" and self.absent and self.last[T] is None
            if edits and self.kind in ("one-way", "on-create") and not touched and not made and self.live[T] != self.last[T]:
                yield f"what goes one way came back ({self.kind})"

    def play_run(self, rng, shuffled, run):
        edits = []
        self.last = dict(self.live)
        if run > 0:
            there = self.types[:1] if self.absent and not self.created else self.types
            for T in rng.sample(there, min(len(there), rng.randint(1, 2))):
                empties = self.kind in ("wins", "clears") or self.kind == "default" and T == "T0"
                text = None if empties and rng.random() < 0.3 else self.value(rng)
                self.edit(T, text)
                edits.append([self.now, T, text])
        order = list(self.types)
        shuffled.shuffle(order)
        written = self.run(order, first=run == 0)
        return {"edits": edits, "read": order, "written": sorted(written)}, set(self.fails([T for _, T, _ in edits]))


class SetWorld:
    """P11: a list in each of two or three records in a chain, whose elements come and go one by one. At the first link each takes all of
    those that reach it; after that what came and went there. A row of one direction leaves the target its own (P12)."""

    ELEMENTS = [f"e{i}" for i in range(8)]

    def __init__(self, rng):
        self.types = [f"T{i}" for i in range(rng.randint(2, 3))]
        self.ways = [rng.choice(["<->", "<->", "<->", "->", "<-"]) for _ in self.types[1:]]
        self.live = {T: sorted(rng.sample(self.ELEMENTS, rng.randint(0, 4))) for T in self.types}
        self.before, self.known, self.now = dict(self.live), {}, 10
        self.told = {T: rng.randint(0, 3) for T in self.types}

    reaches = RowWorld.reaches
    kind = "sets"

    def run(self, order, first=False):
        came = {T: set(self.live[T]) - set(() if first else self.known[T]) for T in order}
        gone = {T: set() if first else set(self.known[T]) - set(self.live[T]) for T in order}
        written, lists = [], {}
        sources = {T: [U for U in self.types if self.reaches(U, T)] for T in self.types}
        # What is taken out of a list at the same time is brought by it no more.
        came = {T: came[T] - set().union(*(gone[U] for U in sources[T])) for T in self.types}
        for T in self.types:
            held = set(self.live[T]) - set().union(*(gone[U] for U in sources[T]))
            lists[T] = sorted(held.union(*(came[U] for U in sources[T])))
        for T in self.types:
            if lists[T] != sorted(self.live[T]):
                written.append(T)
            self.live[T] = self.known[T] = lists[T]
        return written

    def fails(self, before, edits):
        if all(way == "<->" for way in self.ways) and len({tuple(held) for held in self.live.values()}) > 1:
            yield "lists differ"
        taken = {element for _, T, held in edits for element in set(before[T]) - set(held)}
        for T in self.types:
            if set(before[T]) - set(self.live[T]) - taken:
                yield "an element is lost that nobody took out"

    def play_run(self, rng, shuffled, run):
        edits, before = [], dict(self.live)
        if run > 0:
            for T in rng.sample(self.types, rng.randint(1, 2)):
                held = set(self.live[T]) ^ set(rng.sample(self.ELEMENTS, rng.randint(1, 3)))
                self.now += 1
                self.live[T] = sorted(held)
                edits.append([self.now, T, self.live[T]])
        order = list(self.types)
        shuffled.shuffle(order)
        written = self.run(order, first=run == 0)
        return {"edits": edits, "read": order, "written": sorted(written)}, set(self.fails(before, edits))


def play_rows(kind, seed, order_seed):
    """A world of rows or of lists, what failed in it, and its script."""
    rng, shuffled = random.Random(seed), random.Random(order_seed)
    world, failed, script = kind(rng), set(), []
    for run in range(rng.randint(2, 8) + 1):
        said, wrong = world.play_run(rng, shuffled, run)
        script.append(said)
        failed |= wrong
        if world.run(world.types):
            failed.add(f"not a fixed point ({world.kind})")
    return world, failed, script


def row_as_json(seed):
    world, _, script = play_rows(RowWorld, seed, 1)
    said = {"wins": world.wins} if world.kind == "wins" else {world.kind: world.systems} if world.kind in ("prefer", "only_from") else {}
    return {"seed": seed, "kind": world.kind, **said, "absent": world.absent, "ways": world.ways, "told": world.told, "before": world.before,
            "runs": script, "end": world.live}


def set_as_json(seed):
    world, _, script = play_rows(SetWorld, seed, 1)
    return {"seed": seed, "ways": world.ways, "told": world.told, "before": world.before, "runs": script, "end": world.live}


def as_json(seed):
    world, _, _, script, end = play(seed, 1)
    return {"seed": seed, "types": world.props, "stores": world.stored_as, "told": world.told,
            "before": [[*node, text] for node, text in world.before.items()],
            "flows": [{"from": T, "to": U, "pairs": rows, "conditioned": (T, U) in world.conditioned}
                      for (T, U), rows in world.flows.items()],
            "fills": [[T, p, U, q] for (T, U), rows in world.fills.items() for p, q in rows],
            "bears": [[T, p, U, q] for (T, U), rows in world.related(()).items() for (p, q), _ in rows],
            "script": script, "end": [[*node, text] for node, text in end.items()]}


def group_as_json(seed):
    first, script = GroupWorld(random.Random(seed)), []
    world, _ = play_groups(seed, 1, script)
    return {"seed": seed, "size": world.size, "told": world.told, "before": first.live, "runs": script, "end": world.live}


def main(worlds):
    failed, number = defaultdict(list), 0
    for seed in range(worlds):
        world, wrong, quiet, _, _ = play(seed, 1)
        other = play(seed, 2)[0]
        if any(quiet):
            wrong.add("not a fixed point")
        if world.live != other.live:
            wrong.add("the order of reading matters")
        for members in classes(holding(world, ())):
            number += 1
            if not set(members) & world.only_filled() and differ(world, members):
                wrong.add("a clean class differs")
        one, mixed = play_groups(seed, 1)
        wrong |= mixed
        if one.live != play_groups(seed, 2)[0].live:
            wrong.add("the order of reading matters (groups)")
        for kind in (RowWorld, SetWorld):
            rows, mixed, _ = play_rows(kind, seed, 1)
            wrong |= mixed
            if rows.live != play_rows(kind, seed, 2)[0].live:
                wrong.add(f"the order of reading matters ({rows.kind})")
        for what in wrong:
            failed[what].append(seed)
    for what, seeds in failed.items():
        print(f"{what}: {len(seeds)} worlds, first seed {seeds[0]}")
    print(f"{worlds} worlds, {number} clean classes: {'FAILED' if failed else 'all held'}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--world"]:
        json.dump(as_json(int(sys.argv[2])), sys.stdout, indent=1)
        sys.exit(0)
    lines = {"--worlds": as_json, "--groups": group_as_json, "--rows": row_as_json, "--sets": set_as_json}
    if len(sys.argv) > 2 and sys.argv[1] in lines:
        for seed in range(int(sys.argv[2])):
            print(json.dumps(lines[sys.argv[1]](seed), separators=(",", ":")))
        sys.exit(0)
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20000))
