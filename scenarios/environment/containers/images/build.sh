#!/usr/bin/env bash
# Builds the stores' images from Debian's packages and Maven Central's jars, for machines that reach no image registry.
# What was built by this recipe is left alone. Needs a container engine, and mmdebstrap and mvn, which it installs as root.
set -euo pipefail
cd "$(dirname "$0")"
debian=bookworm kafka=4.3.1 cassandra=5.0.5

recipe=$(find . -type f -not -name engine.sh -not -name '*.go' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

built() { [ "$(docker image inspect --format '{{index .Config.Labels "chatlab.recipe"}}' "$1" 2>/dev/null)" = "$recipe" ]; }

need() {
	command -v "$1" >/dev/null && return
	[ "$(id -u)" = 0 ] || { echo "install $2" >&2; exit 1; }
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

# base makes what the images share: a Java runtime, Redis and ip, without manuals.
base() {
	need mmdebstrap mmdebstrap
	mmdebstrap --quiet --variant=minbase --include=openjdk-17-jre-headless,redis-server,iproute2 \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--essential-hook='mkdir -p "$1/usr/share/man/man1"' "$debian" "$work/base.tar"
	docker import --change "LABEL chatlab.recipe=$recipe" "$work/base.tar" "$1" >/dev/null
	rm "$work/base.tar"
}

# jars builds an image of the jars that a pom names and the scripts beside it.
jars() {
	need mvn maven
	cp -r "$2" "$work/"
	mvn --quiet --batch-mode --file "$2/pom.xml" "-D$2.version=$3" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$work/$2/jars"
	docker build --quiet --build-arg "BASE=chatlab/base:$debian" --label "chatlab.recipe=$recipe" --tag "$1" "$work/$2" >/dev/null
}

make() {
	local image=$1
	shift
	if built "$image"; then
		echo "$image is there"
		return
	fi
	echo "$image: building"
	"$1" "$image" "${@:2}"
}

make "chatlab/base:$debian" base
docker tag "chatlab/base:$debian" "chatlab/redis:$debian"
make "chatlab/kafka:$kafka" jars kafka "$kafka"
make "chatlab/cassandra:$cassandra" jars cassandra "$cassandra"
