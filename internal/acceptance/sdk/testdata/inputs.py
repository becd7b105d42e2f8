"""Values sent to a run while it goes on, and received in order."""

import threading

from prefect import flow
from prefect.input import receive_input, send_input
from prefect.runtime import flow_run as runtime
from seen import equal


@flow
def adds_up():
    run_id = runtime.id

    def send():
        for n in (1, 20, 300):
            send_input(n, flow_run_id=run_id)

    threading.Thread(target=send, daemon=True).start()
    got = []
    for n in receive_input(int, timeout=20, poll_interval=0.2, flow_run_id=run_id):
        got.append(n)
        if len(got) == 3:
            break
    return got


equal(adds_up(), [1, 20, 300])
