"""The helper: a process of its own that forks one shut-in child for each program.

It is started by `evals.sandbox.server` with an empty environment, loads what programs may import, and waits for jobs. It
imports nothing of this project but itself, by relative names, so that it starts in milliseconds and holds nothing that a
program could be interested in: no answers, no keys, no results.

One module a layer, in the order in which a child puts them on:

- `namespaces`: a file tree, network and process table of its own, with nothing in them
- `identity`: another user, no capabilities, and no way to get any
- `landlock`: no file may be opened, whatever the file tree
- `rlimits`: memory, CPU time, file size, descriptors, threads
- `filters`: an allow-list of system calls without open, exec, fork, socket, or signals to others

None of the first four is required: where the machine refuses one, the rest go on. `layers` finds out and names the level.
"""
