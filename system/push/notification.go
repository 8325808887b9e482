package push

import (
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Notification is what a device is told: that there are messages, and where. It carries no text: providers, and whoever
// looks at a locked phone, learn who writes to whom at most. The app fetches the rest over its own connection.
type Notification struct {
	User         chat.ID
	Conversation chat.ID
	Sender       chat.ID // of the newest message
	Unread       int     // messages that this notification stands for
	Place        chat.Place
}

// collapseKey makes a newer notification replace an older one of the same conversation, on its way and on the phone.
// That makes a repeated one harmless.
func (n Notification) collapseKey() string { return n.Conversation.String() }

// keepFor is how long a provider keeps a notification for a phone that is off.
const keepFor = 24 * time.Hour

// locKey names the text, "3 new messages" in the phone's language, that every app has.
const locKey = "new_messages"

// outcome is what became of one notification to one device.
type outcome string

const (
	sent         outcome = "sent"
	dead         outcome = "dead_token"   // the device takes no more under this token
	refused      outcome = "refused"      // by the provider, whatever we repeat
	throttled    outcome = "throttled"    // too many: repeat later
	unavailable  outcome = "unavailable"  // the provider does not answer, or says that it cannot
	unauthorized outcome = "unauthorized" // our own credentials are not accepted
	expired      outcome = "expired"      // our own token is too old: a new one helps
	broken       outcome = "breaker_open" // the provider is left alone for a while
	busy         outcome = "busy"         // enough is under way to this provider
	noProvider   outcome = "no_provider"  // this pod has no credentials for it
)

// answer is an outcome with what else the provider said.
type answer struct {
	outcome outcome
	after   time.Duration // when to repeat; 0: the usual backoff
	reason  string        // in the provider's own words
}

// final says that nothing is to be repeated.
func (a answer) final() bool {
	switch a.outcome {
	case sent, dead, refused, noProvider:
		return true
	}
	return false
}

// asked says that the provider was asked at all.
func (a answer) asked() bool { return a.outcome != broken && a.outcome != busy }
