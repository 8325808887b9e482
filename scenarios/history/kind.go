package history

// Kind says what happened.
type Kind uint8

// The kinds. The comment names the fields beyond At; Device is whose event it is.
const (
	_ Kind = iota

	Phase        // Text: steady, fault, recovery, end. The run's deadline is the end
	FaultBegun   // Text: the fault
	FaultEnded   // Text: the fault
	DeviceKnown  // Device, User: its owner
	Conversation // Conversation, Label: the group under which it is measured, Text: group or direct
	Joined       // Conversation, User, Seq: the first place the user may see; 1 (or 0) from the beginning
	Left         // Conversation, User, Seq: the last place the user may see

	Send    // Device, Sender, Conversation, ClientMsg, Intended: a send is invoked
	Attempt // Device, ClientMsg, Attempt: a frame or request of it goes out
	Acked   // Device, ClientMsg, Message: outcome: accepted
	Refused // Device, ClientMsg, Code, RetryAfter, Text: outcome: refused, it did not happen
	Unknown // Device, ClientMsg, Code, Text: outcome: nobody knows, it may exist
	Unsent  // Device, ClientMsg, Text: outcome: no attempt ever left the device, it does not exist

	Raw       // Device, Conversation, Sender, ClientMsg, Message, Seq, Text: a message frame as it came; Text: its type if not text
	Shown     // the same: what the device showed after its deduplication and ordering
	Gap       // Device, Conversation, Seq, Until: the device noticed that these places are missing
	GapFilled // Device, Conversation, Seq: nothing is missing up to here any more
	Skipped   // Device, Conversation, Seq, Until: history has no such places for this user
	Resync    // Device, Conversation: the device was told to read the conversation again

	Connecting   // Device, Attempt
	Connected    // Device, Text: the gateway
	Resumed      // Device: the gateway has answered resume
	Disconnected // Device, CloseCode, RetryAfter: until the next attempt, Text: the reason
	Throttled    // Device, Conversation, RetryAfter: told that the group limit refuses sends
	ErrorFrame   // Device, ClientMsg, Code, RetryAfter, Text: a refusal as it came; a send may be tried again after it

	Stored      // Conversation, Sender, ClientMsg, Message, Seq, Order, Offset, Text: a row of the store at the end
	StoreRead   // Conversation, Count: the store's rows of the conversation were all listed
	Read        // Device, Conversation, Sender, ClientMsg, Message, Seq, Text: in a device's last reading of history, in its order
	HistoryRead // Device, Conversation, Count: that reading is complete

	Metric // Text: name, Label: labels as text, Value, Unit
	Note   // Text

	Draining // Device, RetryAfter: the gateway wants the device to leave within it; that it then leaves is not its own wish

	FaultHealed // Text: the fault; what it broke has been seen to work

	MarkedRead // Device, Conversation, Seq: its user has read everything up to here
	Receipt    // Device, Conversation, Seq, Delivered, ReadBy, Count: it is told how many of Count members besides the place's sender have that place and have read it

	Listed   // Device, Conversation, Seq: the newest place, Count: unread messages: a conversation on a first screen, the newest first
	Glimpsed // Device, Conversation, Sender, ClientMsg, Message, Seq, Text: a message on a first screen, ahead of the order
	Screen   // Device, Count: the first screen with so many conversations is there

	Notified // Device, Conversation: a push provider took a notification for it

	Held        // Label: a node of the store, Text: AtEnd or Repaired, Conversation, Sender, ClientMsg, Message, Seq: a row that this node holds, read while no other answered
	ReplicaRead // Label, Text: as above, Conversation, Count: the node's rows of the conversation were all listed

	Paged     // Device, Conversation, Sender, ClientMsg, Message, Seq, Text: in the newest page of history that a device reads at the end, in its order
	PageRead  // Device, Conversation, Count: that page is complete
	ReadTaken // Device, Conversation, Seq: that is stored, or on its way with a client that says it again over the next connection
	Unread    // Device, Conversation, Seq: the newest place, Count: unread messages: what its user is told at the end
	Watching  // Device, User: from now on it wants to be told of the user's presence, over every connection
	Presence  // Device, User, Text: online or offline: it is told so of a user whom it watches
	Opening   // Device, Conversation: its user opens the conversation, and the device asks for the newest page
	Opened    // Device, Conversation, Count: messages on that page, Code: of a refusal or of no answer

	kinds // their number
)

// When replicas are read, as Held and ReplicaRead have it.
const (
	AtEnd    = "end"      // when everything has settled
	Repaired = "repaired" // after a repair
)

// field numbers the fields of an Event.
type field uint8

const (
	fDevice field = iota
	fUser
	fSender
	fConversation
	fClientMsg
	fMessage
	fText
	fCode
	fLabel
	fUnit
	fSeq
	fUntil
	fOrder
	fOffset
	fCount
	fAttempt
	fCloseCode
	fIntended
	fRetryAfter
	fValue
	fDelivered
	fReadBy
	fields // their number
)

// schema is the name and the fields of a kind; the position of a field is its bit in the file's mask of changes.
type schema struct {
	name   string
	fields []field
}

// schemas is the table that every codec walks.
func schemas() *[kinds]schema {
	message := []field{fDevice, fSeq, fClientMsg, fMessage, fSender, fConversation, fText}
	return &[kinds]schema{
		Phase:        {"phase", []field{fText}},
		FaultBegun:   {"fault_begun", []field{fText}},
		FaultEnded:   {"fault_ended", []field{fText}},
		DeviceKnown:  {"device", []field{fDevice, fUser}},
		Conversation: {"conversation", []field{fConversation, fLabel, fText}},
		Joined:       {"joined", []field{fUser, fConversation, fSeq}},
		Left:         {"left", []field{fUser, fConversation, fSeq}},
		Send:         {"send", []field{fDevice, fSender, fConversation, fClientMsg, fIntended}},
		Attempt:      {"attempt", []field{fDevice, fClientMsg, fAttempt}},
		Acked:        {"acked", []field{fDevice, fClientMsg, fMessage}},
		Refused:      {"refused", []field{fDevice, fClientMsg, fCode, fRetryAfter, fText}},
		Unknown:      {"unknown", []field{fDevice, fClientMsg, fCode, fText}},
		Unsent:       {"unsent", []field{fDevice, fClientMsg, fText}},
		Raw:          {"raw", message},
		Shown:        {"shown", message},
		Gap:          {"gap", []field{fDevice, fConversation, fSeq, fUntil}},
		GapFilled:    {"gap_filled", []field{fDevice, fConversation, fSeq}},
		Skipped:      {"skipped", []field{fDevice, fConversation, fSeq, fUntil}},
		Resync:       {"resync", []field{fDevice, fConversation}},
		Connecting:   {"connecting", []field{fDevice, fAttempt}},
		Connected:    {"connected", []field{fDevice, fText}},
		Resumed:      {"resumed", []field{fDevice}},
		Disconnected: {"disconnected", []field{fDevice, fCloseCode, fRetryAfter, fText}},
		Throttled:    {"throttled", []field{fDevice, fConversation, fRetryAfter}},
		ErrorFrame:   {"error_frame", []field{fDevice, fClientMsg, fCode, fRetryAfter, fText}},
		Stored:       {"stored", []field{fConversation, fSeq, fClientMsg, fMessage, fSender, fOrder, fText, fOffset}},
		StoreRead:    {"store_read", []field{fConversation, fCount}},
		Read:         {"read", message},
		HistoryRead:  {"history_read", []field{fDevice, fConversation, fCount}},
		Metric:       {"metric", []field{fText, fLabel, fValue, fUnit}},
		Note:         {"note", []field{fText}},
		Draining:     {"draining", []field{fDevice, fRetryAfter}},
		FaultHealed:  {"fault_healed", []field{fText}},
		MarkedRead:   {"marked_read", []field{fDevice, fConversation, fSeq}},
		Receipt:      {"receipt", []field{fDevice, fConversation, fSeq, fDelivered, fReadBy, fCount}},
		Listed:       {"listed", []field{fDevice, fConversation, fSeq, fCount}},
		Glimpsed:     {"glimpsed", message},
		Screen:       {"screen", []field{fDevice, fCount}},
		Notified:     {"notified", []field{fDevice, fConversation}},
		Held:         {"held", []field{fLabel, fText, fConversation, fSeq, fClientMsg, fMessage, fSender}},
		ReplicaRead:  {"replica_read", []field{fLabel, fText, fConversation, fCount}},
		Paged:        {"paged", message},
		PageRead:     {"page_read", []field{fDevice, fConversation, fCount}},
		ReadTaken:    {"read_taken", []field{fDevice, fConversation, fSeq}},
		Unread:       {"unread", []field{fDevice, fConversation, fSeq, fCount}},
		Watching:     {"watching", []field{fDevice, fUser}},
		Presence:     {"presence", []field{fDevice, fUser, fText}},
		Opening:      {"opening", []field{fDevice, fConversation}},
		Opened:       {"opened", []field{fDevice, fConversation, fCount, fCode}},
	}
}

// String is the kind's name in JSON lines.
func (k Kind) String() string {
	if k == 0 || k >= kinds {
		return "?"
	}
	return schemas()[k].name
}

// Outcome says whether the kind ends a send.
func (k Kind) Outcome() bool { return k >= Acked && k <= Unsent }

// Sighting says whether the kind is a view of a message: by a device, in the store or in history.
func (k Kind) Sighting() bool { return k == Raw || k == Shown || k == Stored || k == Read }
