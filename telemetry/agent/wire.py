"""The form of a report, version 1: what an agent sends, kept apart from how it is sent.

A report is one request body: two bytes with the length of the head (little-endian), the head as
JSON in UTF-8, then one record of `RECORD` a pair. Ages are relative to the moment of sending, so
that no two clocks need agree. Nodes are written as 8-byte keys, which every scheduler instance
works out alike from their names; the head is small, and the records can be read as one array.

The head:

====================  ==============================================================================
``v``                 1
``node``              who measured
``run``               32 hexadecimal digits, drawn when the agent starts
``seq``               1, 2, 3, … within a run; a report that is sent again keeps its number
``to``                the scheduler instance the report is for, "" while the agent does not know it;
                      such a report holds no records, and is refused with the name to use
``whole``             true where the records are all the agent knows, false where they are what is
                      new since the last report that instance took
``records``           how many records follow
``method``            what the agent measures with: "icmp", "udp" or "tcp"
``peers``             version of the list of peers it holds, 0 for none; two lists of one version
                      are the same list, whichever instance gave them
``orders``            version of the standing orders it follows, 0 for none
``answers``           ids of the urgent orders whose probes have all ended by now
``hold_ms``           how long the answer may be held back, waiting for orders, milliseconds
``probes``            packets sent since it started
``losses``            of them unanswered
``dropped``           bursts it had to forget before this scheduler took them, since it started
====================  ==============================================================================

The answer is JSON. Status 200 takes the report:

====================  ==============================================================================
``v``                 1
``instance``          who answers: 32 hexadecimal digits, drawn when the scheduler starts
``taken``             the number of the last report taken in this run
``leading``           whether the orders are to be followed; a replica that stands by gives none
``peers``             ``{"version", "whole", "set": [[name, address], …], "gone": [name, …]}``, or
                      null where the agent's list is the newest
``orders``            ``{"version", "star", "near": [name, …]}``: standing orders, or null alike;
                      ``star``: this node is a reference, all its pairs come before others'
``urgent``            ``[{"id", "peers": [name, …] | null}, …]``: to be probed at once; null for all
``report_ms``         how often to report while there is nothing urgent, milliseconds
``pps``, ``urgent_pps``   most packets a second, ordinarily and for urgent orders
====================  ==============================================================================

Any other status takes nothing and answers ``{"error": sentence, "reason": word}``; reason is one of
``token`` (401), ``node`` (403: not your node, or not an agent), ``instance`` (409, with
``instance``: send the whole row), ``sequence`` (409, with ``taken``), ``run`` (409: over for good),
``size`` (413), ``form`` (400, 415), ``rate`` (429, with ``Retry-After``), ``busy`` (503).
"""

import json
import struct

# hashlib would hand out the very same function, and load OpenSSL for its others: 3.7 MB of an
# agent's 14.
from _blake2 import blake2b
from collections.abc import Iterable, Mapping

VERSION = 1
CONTENT_TYPE = "application/vnd.isochrone.report"
PATH = "/v1/reports"
PORT = 10252
"""Where a scheduler listens for reports."""

ECHO_PORT = 10254
"""Where an agent answers UDP echoes, and takes TCP connections, of other agents."""

LOST_US = 0xFFFFFFFF
"""In place of an RTT where a whole burst was lost."""

METHODS = ("icmp", "udp", "tcp")
"""A record's method is a place in this row, from 1."""

HEAD = struct.Struct("<H")
RECORD = struct.Struct("<QIIIBBBB")
"""Key of the peer; median and least RTT of the burst, microseconds, or `LOST_US` twice; age,
milliseconds; packets sent and lost; method; 0."""

Record = tuple[int, int, int, int, int, int, int, int]
"""The fields of one `RECORD`, in their order."""


def node_key(name: str) -> int:
    """Return what stands for a node in a record: 8 bytes of its name's BLAKE2b, little-endian."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def report(head: Mapping[str, object], records: Iterable[Record]) -> bytes:
    """Return the body of a report.

    Parameters
    ----------
    head
        The fields above; ``records`` is filled in.
    records
        One a pair.
    """
    rows = b"".join(RECORD.pack(*record) for record in records)
    count = len(rows) // RECORD.size
    text = json.dumps({**head, "v": VERSION, "records": count}, separators=(",", ":")).encode()
    return HEAD.pack(len(text)) + text + rows
