#!/bin/sh
# Runs a node. Its idle workers look for work every 10 us before they rest; a coarse timer makes that one look a millisecond,
# and three nodes leave a core for others. Where the kernel has no such file the node runs as it is.
(echo 1000000 >/proc/self/timerslack_ns) 2>/dev/null && echo 1000000 >/proc/self/timerslack_ns
exec /opt/cassandra/bin/cassandra -f
