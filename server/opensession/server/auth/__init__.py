"""Accounts, passwords, tokens and keys: who somebody is."""
