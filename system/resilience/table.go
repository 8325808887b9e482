package resilience

import "time"

// The rows.
const (
	DeviceSend Call = iota
	DeviceRequest
	DeviceResume
	DeviceBeat
	EdgeOnce
	EdgeRepeat
	EdgePoll
	GatewaySend
	GatewayCall
	GatewayContacts
	GatewayPresence
	GatewayWrite
	FanoutPush
	FanoutCache
	FanoutConnected
	FanoutLookup
	FanoutProbe
	FanoutWork
	SharedRead
	UserLimit
	GroupTurn
	LogWrite
	LogAsk
	LogConnect
	LogRead
	DeadLetter
	Rows
	OpenRows
	ReopenRows
	Redis
	RedisConnect
	Provider
	Connect
	Ready
	Spans
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// table is never changed.
var table = [...]Policy{
	DeviceSend: {
		Name: "device_send", From: "device", To: "gateway, a send's answer",
		Timeout: 5 * s, Backoff: Backoff{250 * ms, 5 * s}, Inside: []Call{GatewaySend},
		GivesUp: "never: the same client_msg_id is sent again until the app ends the send, whose outcome is then unknown",
	},
	DeviceRequest: {
		Name: "device_request", From: "device", To: "edge, a request; gateway, the handshake",
		Timeout: 5 * s, Attempts: 1, Inside: []Call{EdgeOnce, EdgeRepeat}, GivesUp: "the app is told",
	},
	DeviceResume: {
		Name: "device_resume", From: "device", To: "gateway, resumed",
		Timeout: 5 * s, Backoff: Backoff{250 * ms, 30 * s}, InTurn: []Call{GatewayPresence, GatewayCall},
		GivesUp: "never: another session is asked for, after full jitter",
	},
	DeviceBeat: {
		Name: "device_beat", From: "device", To: "gateway, anything after a heartbeat",
		Timeout: 10 * s, Attempts: 1, Inside: []Call{GatewayCall}, GivesUp: "the connection is broken: the device connects again",
	},
	EdgeOnce: {
		Name: "edge_once", From: "edge", To: "message", Methods: []string{"Messages.Send", "Messages.CreateConversation", "Messages.ChangeMembers"},
		Timeout: 4500 * ms, Attempts: 2, Overall: 4500 * ms, Retries: 0.2, Breaker: Breaker{3, s},
		Inside: []Call{GroupTurn, Rows, Redis}, InTurn: []Call{SharedRead, UserLimit, LogWrite},
		GivesUp: "503 or 504 with Retry-After; another pod is asked only if surely nothing was sent, so an attempt that times out is the last",
	},
	EdgeRepeat: {
		Name: "edge_repeat", From: "edge", To: "message, presence", Methods: []string{
			"Messages.History", "Messages.ListConversations", "Messages.Inbox", "Messages.Advance", "Messages.Receipts", "Messages.Contacts", "Messages.PutDevice", "Messages.DeleteDevice",
			"Presences.Announce", "Presences.Online",
		},
		Timeout: 2 * s, Attempts: 2, Retries: 0.2, Breaker: Breaker{3, s}, Inside: []Call{SharedRead, Rows, Redis},
		GivesUp: "503 with Retry-After",
	},
	EdgePoll: {
		Name: "edge_poll", From: "edge", To: "gateway", Methods: []string{"Gateway.Status"},
		Timeout: 800 * ms, Attempts: 1, GivesUp: "the gateway is assigned to nobody until it answers a poll",
	},
	GatewaySend: {
		Name: "gateway_send", From: "gateway", To: "message", Methods: []string{"Messages.Send"},
		Timeout: 4500 * ms, Attempts: 1, InFlight: 32, Inside: []Call{GroupTurn, Rows, Redis}, InTurn: []Call{SharedRead, UserLimit, LogWrite},
		GivesUp: "error unknown_outcome, before the device stops to wait; the time counts from the frame's arrival; in flight is for one session",
	},
	GatewayCall: {
		Name: "gateway_call", From: "gateway", To: "message",
		Methods: []string{"Messages.Heads", "Messages.Advance", "Messages.Typing"},
		Timeout: 2 * s, Attempts: 1, Inside: []Call{SharedRead, Rows, Redis},
		GivesUp: "the frame is answered with an error; cursors are told again, also when only their record in the log is late; those put off ten times ever later up to every 16 s, as long as the device is there and 2 min more",
	},
	GatewayContacts: {
		Name: "gateway_contacts", From: "gateway", To: "message", Methods: []string{"Messages.Contacts"},
		Timeout: 2 * s, Backoff: Backoff{s, 30 * s}, Inside: []Call{SharedRead, Rows},
		GivesUp: "when the session ends or subscribes anew; the device is told the first failure",
	},
	GatewayPresence: {
		Name: "gateway_presence", From: "gateway", To: "presence",
		Methods: []string{"Presences.Announce", "Presences.Refresh", "Presences.Leave", "Presences.Online"},
		Timeout: s, Attempts: 2, Overall: 2 * s, Retries: 0.2, Inside: []Call{Redis},
		GivesUp: "it is told again every second until the sign of life is a third of the TTL old, then with the next; who is watched is asked for again after a second; the last attempt has what the first left of the time",
	},
	GatewayWrite: {
		Name: "gateway_write", From: "gateway", To: "device, one write to a socket",
		Timeout: 10 * s, Attempts: 1, GivesUp: "the socket is closed with a code that lets the device resume",
	},
	FanoutPush: {
		Name: "fanout_push", From: "fanout", To: "gateway", Methods: []string{"Gateway.Deliver", "Gateway.DeliverOne"},
		Timeout: 2 * s, Backoff: Backoff{100 * ms, 100 * ms}, Overall: 2 * s,
		GivesUp: "what waits is dropped and its devices are told to resync",
	},
	FanoutCache: {
		Name: "fanout_cache", From: "fanout, message (write path parallel)", To: "Redis of the message cache",
		Timeout: 500 * ms, Backoff: Backoff{100 * ms, 100 * ms}, Overall: 2 * s, Inside: []Call{Redis},
		GivesUp: "fanout drops the conversation from the cache before it adds to it again; message leaves it to fanout",
	},
	FanoutConnected: {
		Name: "fanout_connected", From: "fanout", To: "gateway", Methods: []string{"Gateway.Connected"},
		Timeout: 200 * ms, Attempts: 1, GivesUp: "the gateway's users count as connected where they were last",
	},
	FanoutLookup: {
		Name: "fanout_lookup", From: "fanout", To: "presence's Redis",
		Timeout: 500 * ms, Attempts: 1, Breaker: Breaker{3, s}, Inside: []Call{Redis}, GivesUp: "gateways are asked who is connected",
	},
	FanoutProbe: {
		Name: "fanout_probe", From: "fanout", To: "presence's Redis, by the open breaker",
		Timeout: s, Attempts: 1, Inside: []Call{Redis}, GivesUp: "the breaker stays open",
	},
	FanoutWork: {
		Name: "fanout_work", From: "fanout, push", To: "Cassandra, for what holds up the partition",
		Backoff: Backoff{20 * ms, s},
		GivesUp: "never: an unstored row holds the offset; what storage refuses for good is a dead letter",
	},
	SharedRead: {
		Name: "shared_read", From: "message", To: "Cassandra, a read that those who ask meanwhile share",
		Timeout: 2 * s, Attempts: 1, Inside: []Call{Rows, Redis}, GivesUp: "unavailable; the next who asks begins another",
	},
	UserLimit: {
		Name: "user_limit", From: "message", To: "Redis of the user limit",
		Timeout: 50 * ms, Attempts: 1, Breaker: Breaker{3, s}, GivesUp: "the pod's own bucket decides",
	},
	GroupTurn: {
		Name: "group_turn", From: "message", To: "the queue of the group's limit",
		Timeout: 2 * s, Attempts: 1, Leaves: []Call{LogWrite},
		GivesUp: "group_rate_limited, and nothing was written; at once when a turn would come too late for the log write to have its full time",
	},
	LogWrite: {
		Name: "log_write", From: "message; fanout and push for dead letters", To: "Kafka, produce with acks=all",
		Timeout: 2 * s, Attempts: 4, Backoff: Backoff{50 * ms, 500 * ms}, Overall: 2400 * ms, InFlight: 4096,
		GivesUp: "unknown_outcome: the record may still arrive; past the bound, or when the caller has given up before, unavailable, and nothing was written",
	},
	LogAsk: {
		Name: "log_ask", From: "all that use the log", To: "Kafka, metadata and offsets",
		Timeout: 2 * s, Attempts: 1, GivesUp: "/readyz says why; lag is told with the next look",
	},
	LogConnect: {
		Name: "log_connect", From: "all that use the log", To: "Kafka, connect; consumer group, join",
		Timeout: s, Backoff: Backoff{100 * ms, 500 * ms}, GivesUp: "never: another reader, or another joining, begins",
	},
	LogRead: {
		Name: "log_read", From: "fanout, push", To: "Kafka, fetch",
		Timeout: s, Attempts: 3, Backoff: Backoff{20 * ms, 500 * ms}, Breaker: Breaker{1, 2 * s},
		GivesUp: "a new reader from the next offset; also when its broker says nothing, and when it stands still for three looks although there are records",
	},
	DeadLetter: {
		Name: "dead_letter", From: "fanout, push", To: "Kafka, chat.dead_letter",
		Timeout: 2400 * ms, Backoff: Backoff{50 * ms, s}, Overall: 10 * s, Inside: []Call{LogWrite},
		GivesUp: "counted, logged with where it lies, and passed over; a tenth of the time while that lasts",
	},
	Rows: {
		Name: "rows", From: "message, fanout, push", To: "Cassandra, one statement at LOCAL_QUORUM",
		Timeout: 500 * ms, Attempts: 3, GivesUp: "unavailable, or unknown_outcome for a write; each attempt asks another node",
	},
	OpenRows: {
		Name: "open_rows", From: "message, fanout, push", To: "Cassandra, connect",
		Timeout: s, Backoff: Backoff{100 * ms, 2 * s}, Overall: time.Minute, GivesUp: "the role does not start: exit code 3",
	},
	ReopenRows: {
		Name: "reopen_rows", From: "message, fanout, push", To: "Cassandra, a node that went away",
		Timeout: s, Backoff: Backoff{s, s}, Attempts: 10, GivesUp: "the node counts as down and is tried with the next look, every second",
	},
	Redis: {
		Name: "redis", From: "message, presence, fanout, push", To: "Redis, one command or pipeline",
		Timeout: 150 * ms, Attempts: 2, Backoff: Backoff{50 * ms, 50 * ms}, Overall: 500 * ms, InFlight: 64, Slot: 100 * ms,
		GivesUp: "the cache: storage is read; presence: the caller's own row",
	},
	RedisConnect: {
		Name: "redis_connect", From: "message, presence, fanout, push", To: "Redis, connect",
		Timeout: 500 * ms, Attempts: 1, GivesUp: "the command fails",
	},
	Provider: {
		Name: "provider", From: "push", To: "FCM, APNs",
		Timeout: 5 * s, Backoff: Backoff{s, time.Minute}, Overall: time.Hour, Rate: Rate{10, 50}, Breaker: Breaker{5, 10 * s}, InFlight: 64,
		Ping:    Ping{15 * s, 5 * s},
		GivesUp: "the notification is dropped and counted; until then the breaker, the bulkhead and the rate only delay it",
	},
	Connect: {
		Name: "connect", From: "all roles", To: "each other, gRPC connection",
		Timeout: s, Backoff: Backoff{50 * ms, s}, Ping: Ping{10 * s, 3 * s},
		GivesUp: "never: meanwhile calls fail at once, and surely did nothing",
	},
	Ready: {
		Name: "ready", From: "all roles", To: "what /readyz asks",
		Timeout: 2 * s, Attempts: 1, Inside: []Call{Rows, Redis, LogAsk}, GivesUp: "503, and what did not answer",
	},
	Spans: {
		Name: "spans", From: "all roles", To: "collector of traces, when the role ends",
		Timeout: 2 * s, Attempts: 1, GivesUp: "the last spans are lost, and a warning says so",
	},
}
