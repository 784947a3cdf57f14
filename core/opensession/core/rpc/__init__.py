"""What both ends of the socket say: JSON-RPC 2.0, one object per line (DECISIONS §7).

`envelope` has requests and answers, the other modules the parameters and results of one namespace
each, and `methods` the list of all methods, from which `docs/rpc.md` is written.
"""
