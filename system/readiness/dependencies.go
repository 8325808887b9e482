package readiness

import "context"

type ask = func(context.Context) error

// Kafka is the log.
func Kafka(a ask) Dependency {
	return Dependency{Name: "kafka", Ask: a, Advice: "see whether its brokers run and this pod reaches them (--kafka)"}
}

// Group is the pod's place in its consumer group.
func Group(a ask) Dependency {
	return Dependency{Name: "group", Ask: a, Advice: "it joins by itself when Kafka answers; if it does not, see the log of this pod"}
}

// Cassandra is a quorum of storage.
func Cassandra(a ask) Dependency {
	return Dependency{Name: "cassandra", Ask: a, Advice: "see whether a majority of its nodes run and this pod reaches them (--cassandra)"}
}

// Cache is the Redis of the message cache and the user limit.
func Cache(a ask) Dependency {
	return Dependency{Name: "cache", Ask: a, Advice: "see whether its Redis runs and takes writes (--redis-cache); until then storage is read", Spare: true}
}

// PresenceStore is the Redis that holds who is online.
func PresenceStore(a ask) Dependency {
	return Dependency{Name: "presence-store", Ask: a, Advice: "see whether its Redis runs and takes writes (--redis-presence)"}
}

// Presence is the role.
func Presence(a ask) Dependency {
	return Dependency{Name: "presence", Ask: a, Advice: "see /readyz of the presence pods (--presences); until then nobody sees who is online", Spare: true}
}

// Messages are the message pods. One that answers with a refusal is there: its own /readyz says what it lacks.
func Messages(a ask) Dependency {
	return Dependency{Name: "message", Ask: a, Advice: "see whether message pods run and this pod reaches them (--messages)"}
}

// Gateways are the gateways that take devices.
func Gateways(a ask) Dependency {
	return Dependency{Name: "gateway", Ask: a, Advice: "see /readyz of the gateways (--gateways): no device can be given one"}
}

// If makes a dependency needed, or spare.
func (d Dependency) If(needed bool) Dependency {
	d.Spare = !needed
	return d
}
