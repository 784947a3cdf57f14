"""Where the hub keeps what it is told.

`interface.py` is what the routes know of the storage of sessions; `sqlite.py` is one such storage:
a database (`connect.py`, `migrate.py`, `database.py` with the writer of `writer.py`) and a folder
of bodies. Accounts are in the same database (table `account`), through the same `Database`.
"""
