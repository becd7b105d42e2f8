# Runs scim2-tester, the conformance suite of python-scim, against a directory. Arguments: its
# address and a domain whose addresses it takes; its token comes in the environment. What the
# suite makes up for userName becomes an address of that domain.
import os, sys, uuid

import scim2_tester.filling as filling
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

base, domain = sys.argv[1:]
made_up = filling.generate_random_value


def of_the_domain(context, path, *args, **kwargs):
    value = made_up(context, path, *args, **kwargs)
    if value is not None and str(path).rsplit(":", 1)[-1].lower() in ("username", "user_name"):
        return f"{uuid.uuid4()}@{domain}"
    return value


filling.generate_random_value = of_the_domain
for module in list(sys.modules.values()):
    if getattr(module, "__name__", "").startswith("scim2_tester") and getattr(module, "generate_random_value", None) is made_up:
        module.generate_random_value = of_the_domain

client = SyncSCIMClient(Client(base_url=base, headers={"Authorization": "Bearer " + os.environ["TOKEN"]}))
client.discover()
results = check_server(client)
bad = 0
for r in results:
    if r.status not in (Status.SUCCESS, getattr(Status, "SKIPPED", None), getattr(Status, "COMPLIANT", None), getattr(Status, "ACCEPTABLE", None)):
        bad += 1
        print(r.status.name, r.title, r.reason, getattr(r, "data", ""))
print(f"{len(results)} checks, {bad} bad")
sys.exit(bad > 0 or len(results) < 30)
