"""The table of faults, redis_faults.def, for flow tests."""

import re
from collections import namedtuple
from pathlib import Path

Fault = namedtuple("Fault", "words name status reconnects")

_ROW = re.compile(r'^REFUSAL\("(.*)", (\w+), (\w+), (KEEP|RECONNECT)\)$', re.M)

FAULTS = [
    Fault(words, name.lower(), status, heals == "RECONNECT")
    for words, name, status, heals in _ROW.findall(
        Path(__file__).with_name("redis_faults.def").read_text()
    )
]
assert len(FAULTS) > 20
