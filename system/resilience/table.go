package resilience

import "time"

// The rows.
const (
	EdgeOnce Call = iota
	EdgeRepeat
	EdgePoll
	GatewaySend
	GatewayCall
	FanoutPush
	FanoutCache
	FanoutConnected
	FanoutLookup
	FanoutProbe
	FanoutWork
	UserLimit
	LogWrite
	LogAsk
	LogRead
	DeadLetter
	Rows
	OpenRows
	Redis
	Provider
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// table is never changed.
var table = [...]Policy{
	EdgeOnce: {
		From: "edge", To: "message", Methods: []string{"Messages.Send", "Messages.CreateConversation", "Messages.ChangeMembers"},
		Timeout: 4500 * ms, Attempts: 2, Overall: 4500 * ms, Retries: 0.2, Breaker: Breaker{3, s}, Inside: []Call{UserLimit, LogWrite, Rows, Redis},
		GivesUp: "503 or 504 with Retry-After; another pod is asked only if surely nothing was sent, so an attempt that times out is the last",
	},
	EdgeRepeat: {
		From: "edge", To: "message, presence", Methods: []string{
			"Messages.History", "Messages.ListConversations", "Messages.Advance", "Messages.Receipts", "Messages.Contacts", "Messages.PutDevice", "Messages.DeleteDevice",
			"Presences.Announce", "Presences.Online",
		},
		Timeout: 2 * s, Attempts: 2, Retries: 0.2, Breaker: Breaker{3, s}, Inside: []Call{Rows, Redis},
		GivesUp: "503 with Retry-After",
	},
	EdgePoll: {
		From: "edge", To: "gateway", Methods: []string{"Gateway.Status"},
		Timeout: 800 * ms, Attempts: 1, GivesUp: "the gateway is assigned to nobody until it answers a poll",
	},
	GatewaySend: {
		From: "gateway", To: "message", Methods: []string{"Messages.Send"},
		Timeout: 5 * s, Attempts: 1, InFlight: 32, Inside: []Call{UserLimit, LogWrite, Rows, Redis},
		GivesUp: "error unknown_outcome: the device sends again with the same client_msg_id; in flight is for one session",
	},
	GatewayCall: {
		From: "gateway", To: "message, presence",
		Methods: []string{"Messages.Heads", "Messages.Advance", "Messages.Typing", "Presences.Announce", "Presences.Refresh", "Presences.Leave", "Presences.Online"},
		Timeout: 2 * s, Attempts: 1, Inside: []Call{Rows, Redis},
		GivesUp: "the frame is answered with an error or, for presence and cursors, told again with the next beat",
	},
	FanoutPush: {
		From: "fanout", To: "gateway", Methods: []string{"Gateway.Deliver", "Gateway.DeliverOne"},
		Timeout: 2 * s, Attempts: 1, GivesUp: "what waits is dropped and its devices are told to resync",
	},
	FanoutCache: {
		From: "fanout", To: "Redis of the message cache",
		Timeout: 500 * ms, Backoff: Backoff{100 * ms, 100 * ms}, Overall: 2 * s, Inside: []Call{Redis},
		GivesUp: "the conversation is dropped from the cache before anything is added to it again",
	},
	FanoutConnected: {
		From: "fanout", To: "gateway", Methods: []string{"Gateway.Connected"},
		Timeout: 200 * ms, Attempts: 1, GivesUp: "the gateway's users count as connected where they were last",
	},
	FanoutLookup: {
		From: "fanout", To: "presence's Redis",
		Timeout: 500 * ms, Attempts: 1, Breaker: Breaker{3, s}, GivesUp: "gateways are asked who is connected",
	},
	FanoutProbe: {
		From: "fanout", To: "presence's Redis, by the open breaker",
		Timeout: s, Attempts: 1, GivesUp: "the breaker stays open",
	},
	FanoutWork: {
		From: "fanout", To: "Cassandra, for what holds up the partition",
		Backoff: Backoff{20 * ms, s},
		GivesUp: "never: an unstored row holds the offset; what storage refuses for good is a dead letter",
	},
	UserLimit: {
		From: "message", To: "Redis of the user limit",
		Timeout: 50 * ms, Attempts: 1, Breaker: Breaker{3, s}, GivesUp: "the pod's own bucket decides",
	},
	LogWrite: {
		From: "message, gateway reports, push", To: "Kafka, produce with acks=all",
		Timeout: 2 * s, Attempts: 4, Backoff: Backoff{50 * ms, 500 * ms}, Overall: 4 * s, InFlight: 4096,
		GivesUp: "unknown_outcome: the record may still arrive; past the bound unavailable, and nothing was written",
	},
	LogAsk: {
		From: "all that use the log", To: "Kafka, metadata and offsets",
		Timeout: 2 * s, Attempts: 1, GivesUp: "/readyz says why; lag is told with the next look",
	},
	LogRead: {
		From: "fanout, push", To: "Kafka, fetch",
		Timeout: s, Attempts: 3, Backoff: Backoff{20 * ms, 500 * ms}, Breaker: Breaker{1, 2 * s},
		GivesUp: "a new reader after 100 ms, from the next offset; also when its broker says nothing, and when it stands still for three looks although there are records",
	},
	DeadLetter: {
		From: "fanout, push", To: "Kafka, chat.dead_letter",
		Timeout: 4 * s, Backoff: Backoff{50 * ms, s}, Overall: 10 * s, Inside: []Call{LogWrite},
		GivesUp: "counted, logged with where it lies, and passed over; a tenth of the time while that lasts",
	},
	Rows: {
		From: "message, fanout, push", To: "Cassandra, one statement at LOCAL_QUORUM",
		Timeout: 500 * ms, Attempts: 3, GivesUp: "unavailable, or unknown_outcome for a write; each attempt asks another node",
	},
	OpenRows: {
		From: "message, fanout, push", To: "Cassandra, connect",
		Timeout: s, Backoff: Backoff{100 * ms, 2 * s}, Overall: time.Minute, GivesUp: "the role does not start: exit code 3",
	},
	Redis: {
		From: "message, presence, fanout, push", To: "Redis, one command or pipeline",
		Timeout: 150 * ms, Attempts: 2, Backoff: Backoff{50 * ms, 50 * ms}, InFlight: 64,
		GivesUp: "the cache: storage is read; presence: the caller's own row",
	},
	Provider: {
		From: "push", To: "FCM, APNs",
		Timeout: 5 * s, Attempts: 1, Breaker: Breaker{5, 10 * s}, InFlight: 64,
		GivesUp: "told again later, with backoff and within the provider's retry rate",
	},
}
