package reports

// glossary explains the words that the page takes for granted.
func glossary() []fact {
	return []fact{
		{"acknowledged", "The system answered a send with “ack”: from then on it answers for the message."},
		{"broken, as foretold", "The promise did not hold, and the variant was run to show exactly that."},
		{"consumer lag", "How many records of a partition the log holds that its worker has not finished: the queue in front of fan-out."},
		{"fan-out", "Turning one message into one push for every device of every member who is online."},
		{"gateway", "The process that holds the members’ WebSocket connections and pushes frames to them."},
		{"in-sync replicas", "The copies of a partition that have every record the leader has; a write with acks=all waits for all of them."},
		{"inconclusive", "The run cannot decide: too little traffic, or a fault that left no trace. It never counts as passed."},
		{"intended time", "When the workload wanted to send. Latency counts from there, so a system that stalls its senders is not flattered."},
		{"neighbour", "A conversation that is not under attack; on the same partition as the one that is, or on another."},
		{"p50, p99, max", "Half of all deliveries were at least this fast; 99 of 100 were; all of them were."},
		{"partition", "One ordered slice of the log. A conversation lives on one, chosen by its id, and one worker reads it."},
		{"push", "One message frame sent to one device."},
		{"refusal", "A send that was not accepted and was told so, with a code and when to retry. Nothing is dropped in silence."},
		{"seed", "The number from which the workload is drawn: the same seed sends the same messages at the same intended times."},
		{"stand-in", "A small server in the lab’s own process that speaks the real wire protocol in place of Kafka, Redis or Cassandra."},
		{"variant", "One run of the same workload and faults under one set of switches: the reference design as written, with its own mitigations, or hardened."},
		{"witness", "An event of the history that shows why a promise is judged as it is."},
	}
}
