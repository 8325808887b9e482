#!/bin/sh
# Formats the broker's directory on its first start, then runs the broker: the same in every image that has Kafka's scripts.
set -e
[ -f /var/lib/kafka/data/log/meta.properties ] ||
	KAFKA_HEAP_OPTS=-Xmx128m /opt/kafka/bin/kafka-storage.sh format --cluster-id 5bPlAHGmTTOUqTxzMGz_Uw --config /chatlab/server.properties
exec /opt/kafka/bin/kafka-server-start.sh /chatlab/server.properties
