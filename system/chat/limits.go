package chat

import "time"

// Limits on what a stranger can send. Figures marked (document) are the reference design's.
const (
	MaxFrameBytes    = 64 << 10 // (document) a longer WebSocket frame closes with 1009
	MaxContentBytes  = 32 << 10 // of one message, leaving room for JSON escapes inside a frame
	MaxMembers       = 500      // (document)
	MaxPositions     = 500      // conversations in one heartbeat or resume
	MaxHistoryLimit  = 200      // messages in one page
	DefaultHistory   = 50       // (document)
	MaxDeviceName    = 64       // bytes
	MaxPresenceUsers = 500      // users in one presence question
	MaxSubscriptions = 200      // users whose presence one socket is told
	MaxSocialGroup   = 50       // members up to which a group makes contacts and is told who types
	MaxPushToken     = 4 << 10  // bytes

	// DedupeWindow is how old a client_msg_id may be when it is sent; DedupeMargin covers the time
	// that a record spends between that check and its place in the log, and clocks that differ.
	DedupeWindow = 10 * time.Minute
	DedupeMargin = 5 * time.Minute
	// MaxClientAhead is how far in the future a client_msg_id may lie.
	MaxClientAhead = time.Minute
)
