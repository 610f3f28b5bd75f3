"""Processor time per element of a list, against a record of a file of its own: see elements.sh."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

LINES = 5

SYSTEMS = """\
systems:
  a: {{ connector: files, with: {{ folder: a }}{a} }}
  b: {{ connector: files, with: {{ folder: b }}{b} }}
limits: {{ creates: none, updates: none, deletes: none, lost: none, clears: none, vanished: none }}
flows: [flows.yaml]
"""
ORDERS = """\
flows:
  - from: a.Orders
    to: b.Orders
    create: always
    match: [number = number]
    properties: [number <-> number, customer <-> customer]
"""
ELEMENTS = """\
  - from: a.Orders[lines]
    to: b.Orders[lines]
    create: always
    match: [$parent = $parent and no = no]
    properties: [$parent <-> $parent, no <-> no, item <-> item, qty <-> qty]
"""
RECORDS = """\
  - from: a.Lines
    to: b.Lines
    create: always
    match: [order = order and no = no]
    properties: [order <-> order, no <-> no, item <-> item, qty <-> qty]
"""
KINDS = {
    "orders alone": (ORDERS, ""),
    "elements": (ORDERS + ELEMENTS, ", elements: { Orders: { lines: { id: no } } }"),
    "records": (ORDERS + RECORDS, ", references: { Lines: { order: Orders } }"),
}


def line(order, no, changed):
    # One line in a hundred is changed: the orders' numbers spread them over the file.
    qty = 1 + (order * 7 + no) % 9 + (100 if changed and (order * LINES + no) % 100 == 0 else 0)
    return {"no": no, "item": f"item {(order * 31 + no) % 5000}", "qty": qty}


def write(folder, kind, orders, changed):
    with open(folder / "Orders.jsonl", "w") as of_orders:
        for order in range(1, orders + 1):
            record = {"id": order, "number": f"A{order}", "customer": f"customer {order % 9973}"}
            if kind == "elements":
                record["lines"] = [line(order, no, changed) for no in range(1, LINES + 1)]
            print(json.dumps(record, separators=(",", ":")), file=of_orders)
    if kind == "records":
        with open(folder / "Lines.jsonl", "w") as of_lines:
            for order in range(1, orders + 1):
                for no in range(1, LINES + 1):
                    record = {"id": order * LINES + no, "order": order, **line(order, no, changed)}
                    print(json.dumps(record, separators=(",", ":")), file=of_lines)


def run(program, folder):
    """The processor time of a run, in seconds."""
    with open(folder / "out", "w") as out, open(folder / "err", "w") as err:
        child = subprocess.Popen([program, "sync", "-C", str(folder)], stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        # It has been waited for.
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        tail = (folder / "err").read_text()[-500:] + (folder / "out").read_text()[-500:]
        sys.exit(f"a run failed with exit status {child.returncode}: {tail}")
    return used.ru_utime + used.ru_stime


def written(folder):
    return int(
        next(
            (
                text.split()[0].replace(",", "")
                for text in (folder / "out").read_text().splitlines()
                if text.endswith("records written.")
            ),
            "0",
        )
    )


def main():
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    where = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp())
    program = os.environ.get("LOCKSTEP")
    if not program:
        root = pathlib.Path(__file__).resolve().parent.parent
        subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "lockstep"], cwd=root, check=True)
        target = os.environ.get("CARGO_TARGET_DIR", str(root / "target"))
        program = f"{target}/release/lockstep"
    print(f"{orders} orders of {LINES} lines, {os.cpu_count()} cores")
    used = {}
    for kind, (flows, setting) in KINDS.items():
        folder = where / kind.replace(" ", "_")
        for side in "ab":
            (folder / side).mkdir(parents=True, exist_ok=True)
        (folder / "lockstep.yaml").write_text(SYSTEMS.format(a=setting, b=setting))
        (folder / "flows.yaml").write_text(flows)
        write(folder / "a", kind, orders, False)
        for file in ["Orders", "Lines"] if kind == "records" else ["Orders"]:
            (folder / "b" / f"{file}.jsonl").write_text("")
        used[kind] = {}
        for name, changed in (("first run", False), ("1 % changed", True)):
            if changed:
                write(folder / "a", kind, orders, True)
            seconds = run(program, folder)
            used[kind][name] = seconds
            print(f"{kind:14} {name:12} {seconds:8.2f} s, {written(folder)} records written", flush=True)
    for name in ("first run", "1 % changed"):
        alone = used["orders alone"][name]
        each = {kind: (used[kind][name] - alone) / (orders * LINES) for kind in ("elements", "records")}
        ratio = each["elements"] / each["records"]
        print(
            f"{name}: {each['elements'] * 1e6:.1f} µs a line as an element, "
            f"{each['records'] * 1e6:.1f} µs as a record of its own, ratio {ratio:.2f}"
        )


main()
