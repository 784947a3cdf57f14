"""The index and the user's own database: migrations, one writer, readers, queries."""
