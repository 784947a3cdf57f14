"""archive.backup: all that cannot be made again, in one file."""

from __future__ import annotations

from opensession.core.rpc.envelope import Params


class BackupParams(Params, frozen=True):
    """`path` is absolute, of a file that is not there yet. The result of the job has `files`,
    `bytes` (of the backup), `archive_bytes`, and `unarchived`: the sessions that the archive does
    not hold whole, which are therefore not whole in the backup; and `damaged`, sentences on what in
    the archive is not what was written, and is so in the backup too.
    """

    path: str
