package chat

// Kinds of cursor.
const (
	Delivered = "delivered" // a device has the messages up to here
	Read      = "read"      // its user has read them
)

// Cursor is how far one device, or its user on it, has come in a conversation. Cursors only move forward.
type Cursor struct {
	Position
	User   ID
	Device string
	Kind   string
}
