"""Writes names.jsonl.gz: each filter and each test of the reference's templates, of each value.

Run it with a Python that has the reference installed: python names.py
"""

import gzip
import json
import logging

import record

# What is random, or switches the language of the whole process.
LEFT_OUT = {"random", "humanize_activate", "humanize_deactivate"}
ENVIRONMENT = record.ref._template_environment


def sources(names):
    """Templates with each filter and test: of a value alone, with an argument, and of a list."""
    for name in names:
        for f in sorted(set(ENVIRONMENT.filters) - LEFT_OUT):
            yield f"{{{{ {name}|{f} }}}}"
            yield f"{{{{ {name}|{f}(2) }}}}"
            yield f"{{{{ [{name}, n]|map('{f}')|list }}}}"
        for t in sorted(ENVIRONMENT.tests):
            if t.isidentifier():
                yield f"{{{{ {name} is {t} }}}}"
                yield f"{{{{ {name} is not {t}(n) }}}}"
            yield f"{{{{ [{name}]|select('{t}')|list|length }}}}"
            yield f"{{{{ [n, {name}]|reject('{t}', n)|list|length }}}}"


def main():
    logging.disable(logging.CRITICAL)
    cases = []
    for which, values in enumerate(record.CONTEXTS):
        for source in sources([n for n in values if n in record.CONTEXTS[1] or n in ("nothing", "id")]):
            case = record.outcome(source, {k: record.tagged(v) for k, v in values.items()})
            case["c"] = which
            shown = json.dumps(case.get("out") or case.get("err") or "", ensure_ascii=False)
            if not record.volatile(shown) and len(shown) < 2000:
                cases.append(case)
    with gzip.GzipFile("names.jsonl.gz", "wb", mtime=0) as f:
        f.write((json.dumps({"now": record.AWARE.isoformat(), "contexts": record.CONTEXTS}, ensure_ascii=False) + "\n").encode())
        for case in cases:
            f.write((json.dumps(case, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "surrogatepass"))
    print(len(cases), "cases")


main()
