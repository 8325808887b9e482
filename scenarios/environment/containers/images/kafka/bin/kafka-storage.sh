#!/bin/sh
# Stands in for the distribution's script of this name.
exec java ${KAFKA_HEAP_OPTS} -cp '/opt/kafka/libs/*' kafka.tools.StorageTool "$@"
