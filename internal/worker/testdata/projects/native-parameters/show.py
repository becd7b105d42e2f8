#!/usr/bin/env python3
import json, os, sys
print("arguments", sys.argv[1:])
print("greeting", os.environ["GREETING"])
print("parameters", json.dumps(json.loads(os.environ["USHER_PARAMETERS"]), sort_keys=True))
