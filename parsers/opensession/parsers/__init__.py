"""How each agent writes its sessions: one module an agent, one explicit list (`registry`)."""
