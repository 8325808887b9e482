package chat

import "time"

// A device that has just connected may miss what workers still push past it. It hears of that with its first heartbeat,
// which therefore comes later than what all others remember.
const (
	// RouteTTL is how old what a worker knows of where a user is may be.
	RouteTTL = time.Second
	// HeadTTL is how old a message pod's word about the newest place of a conversation may be.
	HeadTTL = 200 * time.Millisecond
	// StoredWithin is how long a message that was pushed past a device may need to be stored.
	StoredWithin = 300 * time.Millisecond
	// SettleAfter is when, after resumed, a device sends its first heartbeat.
	SettleAfter = RouteTTL + HeadTTL + StoredWithin
)
