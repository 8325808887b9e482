#!/usr/bin/env bash
# engine.sh start: sees to it that a container engine answers; where none does, it installs Debian's and starts it (as root).
# engine.sh stop: ends the engine that start began; any other is left alone.
set -euo pipefail
pidfile=/run/chatlab-dockerd.pid
log=/var/log/chatlab-dockerd.log

answers() { docker version >/dev/null 2>&1; }

# weigh gives each of eight containers the weight of a process. Without it, where control groups are of the first version,
# all containers together weigh no more than one, and the stores starve beside the pods.
weigh() {
	[ -f /sys/fs/cgroup/cpu/cpu.shares ] || return 0
	mkdir -p /sys/fs/cgroup/cpu/docker
	echo 8192 >/sys/fs/cgroup/cpu/docker/cpu.shares
}

start() {
	answers && return 0
	[ "$(id -u)" = 0 ] || { echo "no container engine answers: start yours, or run this as root" >&2; exit 1; }
	if ! command -v dockerd >/dev/null; then
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io containerd runc iptables >/dev/null
	fi
	# Ports by the kernel's translation of addresses: the proxy process of a port takes a tenth of a core on the way.
	setsid nohup dockerd --userland-proxy=false >"$log" 2>&1 </dev/null &
	echo $! >"$pidfile"
	for _ in $(seq 120); do
		if answers; then
			weigh
			return 0
		fi
		kill -0 "$(cat "$pidfile")" 2>/dev/null || break
		sleep 0.5
	done
	echo "the container engine did not start:" >&2
	tail -20 "$log" >&2
	stop
	exit 1
}

stop() {
	[ -f "$pidfile" ] || return 0
	local pid
	pid=$(cat "$pidfile")
	rm -f "$pidfile"
	[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 0
	kill "$pid"
	for _ in $(seq 60); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.5
	done
	kill -9 "$pid"
}

case "${1-}" in
start | stop) "$1" ;;
*) echo "usage: engine.sh start|stop" >&2; exit 2 ;;
esac
