"""Passwords: argon2id, in threads, few at once."""

from __future__ import annotations

import asyncio

import argon2

SHORTEST = 12
LONGEST = 128

AT_ONCE = 2
"""Hashes that are computed at once: each takes 19 MiB and a core for a while."""


class Passwords:
    """Makes and checks hashes. Who asks for an unknown account waits as long as for a known one."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobodys: str | None = None

    async def hashed(self, password: str) -> str:
        """The hash to store, with its parameters and salt."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def right(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; `stored` None takes as long and is never right."""
        if stored is None:
            self._nobodys = self._nobodys or await self.hashed("nobody has this one")
        async with self._turn:
            fits = await asyncio.to_thread(self._fits, stored or self._nobodys or "", password)
        return fits and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(stored)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
