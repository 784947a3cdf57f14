"""Work on `user.db`, for handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import apsw

from opensession.core.paths import make_private
from opensession.daemon.state import App
from opensession.daemon.user_data import UserData

T = TypeVar("T")


async def on_user(app: App, work: Callable[[apsw.Connection], T]) -> T:
    """`work` on `user.db`, which is opened for it where no daemon holds it open."""
    if app.user is not None:
        return await app.user.run(work)
    make_private(app.paths.data_dir)
    user = UserData(app.paths.user_db)
    try:
        return await user.run(work)
    finally:
        user.close()
