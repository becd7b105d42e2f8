# Copies one flow run of the reference's database, with its state, so many times.
import sqlite3
import sys

path, run, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = sqlite3.connect(path, timeout=60)


def columns(table):
    return [row[1] for row in db.execute(f"pragma table_info({table})")]


def copy(table, ids, where):
    made = {name: f"printf('%08x-%04x-4000-8000-%012x', i, {kind}, i)" for name, kind in ids.items()}
    names = columns(table)
    picked = ", ".join(made.get(n, f'"{n}"') for n in names)
    named = ", ".join(f'"{n}"' for n in names)
    db.execute(
        f"with recursive n(i) as (select {first} union all select i + 1 from n where i < {first + times - 1}) "
        f"insert into {table} ({named}) select {picked} from {table}, n where {where} = ?",
        (run,),
    )


first = 1 + db.execute("select count(*) from flow_run").fetchone()[0]
copy("flow_run_state", {"id": 2, "flow_run_id": 1}, "flow_run_id")
copy("flow_run", {"id": 1, "state_id": 2}, "id")
db.commit()
