"""Programs that send: each run of a client is one of these in a process, and an environment, of its own.

They use the standard library and the client, nothing else, since the environments of other clients have nothing else.
"""
