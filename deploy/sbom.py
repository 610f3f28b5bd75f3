#!/usr/bin/env python3
"""Lists what the lockstep binary is built from, as CycloneDX 1.5 in JSON: deploy/sbom.py > lockstep.cdx.json

It asks `cargo metadata` what Cargo.lock resolves to for one target, and leaves out what only tests and builds need.
"""

import json
import subprocess
import sys

TARGET = sys.argv[1] if len(sys.argv) > 1 else "x86_64-unknown-linux-gnu"


def main():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    root = next(id for id, package in packages.items() if package["name"] == "lockstep" and package["source"] is None)

    needs, left = {}, [root]
    while left:
        id = left.pop()
        if id in needs:
            continue
        normal = [dep["pkg"] for dep in nodes[id]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        needs[id] = sorted(set(normal))
        left.extend(normal)

    checksums = lock_checksums()

    def reference(id):
        package = packages[id]
        return f"pkg:cargo/{package['name']}@{package['version']}"

    def component(id):
        package = packages[id]
        one = {
            "type": "application" if id == root else "library",
            "bom-ref": reference(id),
            "name": package["name"],
            "version": package["version"],
            "purl": reference(id),
        }
        if package.get("license"):
            one["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            one["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return one

    ids = sorted(needs, key=reference)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root), "properties": [{"name": "target", "value": TARGET}]},
        "components": [component(id) for id in ids if id != root],
        "dependencies": [{"ref": reference(id), "dependsOn": sorted(map(reference, needs[id]))} for id in ids],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


def lock_checksums():
    """By name and version. Cargo.lock has a table for each package, a key on a line."""
    checksums, current = {}, {}
    for line in open("Cargo.lock", encoding="utf-8"):
        key, _, value = line.partition(" = ")
        if line.startswith("[["):
            current = {}
        elif key in ("name", "version", "checksum"):
            current[key] = value.strip().strip('"')
            if key == "checksum":
                checksums[current["name"], current["version"]] = current["checksum"]
    return checksums


main()
