package chat

import "time"

// CloseCode is a WebSocket close code; it says whether the device may come back, and when.
type CloseCode int

// Close codes. 1000 to 1015 are the protocol's own.
const (
	CloseNormal       CloseCode = 1000
	CloseGoingAway    CloseCode = 1001
	CloseTooBig       CloseCode = 1009
	CloseDraining     CloseCode = 4000
	CloseTokenExpired CloseCode = 4001
	CloseTokenInvalid CloseCode = 4002
	CloseReplaced     CloseCode = 4003
	CloseIdle         CloseCode = 4004
	CloseSlowReader   CloseCode = 4008
	CloseProtocol     CloseCode = 4009
)

// CloseInfo is a row of the table of close codes.
type CloseInfo struct {
	Code      CloseCode
	Name      string
	Reconnect bool          // the device may come back by itself
	Within    time.Duration // spread the reconnect over this time; 0: the usual backoff
	Meaning   string
}

// CloseCodes is the table of close codes that documents show and tests walk.
func CloseCodes() []CloseInfo {
	return []CloseInfo{
		{CloseNormal, "normal", false, 0, "the device said goodbye"},
		{CloseGoingAway, "going_away", true, 0, "the gateway stops"},
		{CloseTooBig, "too_big", false, 0, "a frame was larger than 64 KB"},
		{CloseDraining, "draining", true, 5 * time.Second, "the gateway is being replaced: come back within the window"},
		{CloseTokenExpired, "token_expired", true, 0, "get a new token, then come back"},
		{CloseTokenInvalid, "token_invalid", false, 0, "the new token is another user's"},
		{CloseReplaced, "replaced", false, 0, "the same device connected again elsewhere"},
		{CloseIdle, "idle", true, 0, "nothing was heard for five minutes"},
		{CloseSlowReader, "slow_reader", true, 0, "the device read too slowly: come back and resume"},
		{CloseProtocol, "protocol", false, 0, "the device broke the protocol"},
	}
}

// MayReconnect says whether a device may come back by itself after this code. A code that is not in the table is a
// broken connection: it may.
func (c CloseCode) MayReconnect() bool {
	for _, i := range CloseCodes() {
		if i.Code == c {
			return i.Reconnect
		}
	}
	return true
}
