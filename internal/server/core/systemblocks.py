"""Writes systemblocks.json.gz: the block types and schemas of a fresh reference server.

    python systemblocks.py http://127.0.0.1:4200/api
"""

import gzip
import json
import pathlib
import sys
import urllib.request

base = sys.argv[1]


def read(path, body):
    request = urllib.request.Request(
        base + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


types = read("/block_types/filter", {})
schemas = read("/block_schemas/filter", {})
out = []
for kind in types:
    own = [s for s in schemas if s["block_type_id"] == kind["id"]]
    out.append(
        {
            "type": {k: v for k, v in kind.items() if k not in ("id", "created", "updated")},
            "schemas": [
                {k: s[k] for k in ("checksum", "fields", "capabilities", "version")}
                for s in sorted(own, key=lambda s: s["created"])
            ],
        }
    )
target = pathlib.Path(__file__).with_name("systemblocks.json.gz")
target.write_bytes(gzip.compress(json.dumps(out, separators=(",", ":")).encode(), 9, mtime=0))
print(len(types), "types,", len(schemas), "schemas,", target.stat().st_size, "bytes")
