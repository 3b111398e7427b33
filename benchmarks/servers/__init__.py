"""Programs that are sent to: each runs in a process of its own, says on standard output where it listens, and ends when its input does."""
