// Package kafka writes to the log and consumes it through kafka-go, one reader a partition.
package kafka
