// Package cassandra keeps messages and conversations in Cassandra through gocql.
package cassandra
