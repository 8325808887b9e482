package cassandra

// The keyspace and every statement that the system sends. They stand in one place because the stand-in of
// package sim/cassandra accepts these and refuses all others: a new statement is added here first.
const (
	createKeyspace = `CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': %d}`

	createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations (
		part text, version int, name text, phase text, applied_at timestamp, checksum text,
		PRIMARY KEY (part, version))`

	createClaims = `CREATE TABLE IF NOT EXISTS schema_claims (part text, runner uuid, PRIMARY KEY (part, runner))`

	createMessages = `CREATE TABLE IF NOT EXISTS messages (
		conversation_id uuid, timestamp timeuuid, message_id uuid, sender_id uuid, content text, message_type text,
		created_at timestamp, seq bigint, log_partition int, log_offset bigint, client_msg_id uuid,
		PRIMARY KEY (conversation_id, timestamp)) WITH CLUSTERING ORDER BY (timestamp DESC)`

	createConversations = `CREATE TABLE IF NOT EXISTS conversations (
		conversation_id uuid PRIMARY KEY, type text, participants set<uuid>, last_message_at timestamp, created_at timestamp)`

	createUserConversations = `CREATE TABLE IF NOT EXISTS user_conversations (
		user_id uuid, conversation_id uuid, joined_seq bigint, left_seq bigint,
		PRIMARY KEY (user_id, conversation_id))`

	// A cursor's cells are written with the time of their place as write time, so that the last one by place wins,
	// whatever order the writes come in.
	createCursors = `CREATE TABLE IF NOT EXISTS cursors (
		conversation_id uuid, user_id uuid, device text, kind text, seq bigint, timestamp timeuuid,
		PRIMARY KEY (conversation_id, user_id, device, kind))`

	// What a member's list shows of a conversation stands in the member's own row: one read tells what is new in all of
	// them. -1 or nothing as last_seq says that the conversation itself must be asked.
	addNewest = `ALTER TABLE user_conversations ADD IF NOT EXISTS (last_seq bigint, last_timestamp timeuuid)`
	addRead   = `ALTER TABLE user_conversations ADD IF NOT EXISTS read_seq bigint`

	createDevices = `CREATE TABLE IF NOT EXISTS devices (
		user_id uuid, device text, provider text, push_token text,
		PRIMARY KEY (user_id, device))`
)

const messageColumns = `conversation_id, timestamp, message_id, sender_id, content, message_type, created_at, seq, log_partition, log_offset, client_msg_id`

const (
	insertMessage = `INSERT INTO messages (` + messageColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectNewest = `SELECT ` + messageColumns + ` FROM messages WHERE conversation_id = ? LIMIT ?`
	selectBefore = `SELECT ` + messageColumns + ` FROM messages WHERE conversation_id = ? AND timestamp < ? LIMIT ?`
	selectAfter  = `SELECT ` + messageColumns + ` FROM messages WHERE conversation_id = ? AND timestamp > ? ORDER BY timestamp ASC LIMIT ?`

	// selectPlaces reads no content: it rebuilds the sequencer's state, newest place first, page by page.
	selectPlaces  = `SELECT timestamp, seq, log_offset, sender_id, client_msg_id, message_type FROM messages WHERE conversation_id = ?`
	selectContent = `SELECT content FROM messages WHERE conversation_id = ? AND timestamp = ?`
	selectHead    = `SELECT timestamp, seq, sender_id FROM messages WHERE conversation_id = ? LIMIT 1`
	selectSeq     = `SELECT seq FROM messages WHERE conversation_id = ? AND timestamp = ?`

	insertConversation = `INSERT INTO conversations (conversation_id, type, participants, last_message_at, created_at) VALUES (?, ?, ?, ?, ?)`
	selectConversation = `SELECT type, participants, last_message_at, created_at FROM conversations WHERE conversation_id = ?`
	// Changes of members are written with the ticks of their place as write time: later than any clock's microseconds,
	// and the last one by place wins, whatever order the writes come in.
	addParticipants     = `UPDATE conversations USING TIMESTAMP ? SET participants = participants + ? WHERE conversation_id = ?`
	removeParticipants  = `UPDATE conversations USING TIMESTAMP ? SET participants = participants - ? WHERE conversation_id = ?`
	updateLastMessageAt = `UPDATE conversations SET last_message_at = ? WHERE conversation_id = ?`

	insertCursor      = `INSERT INTO cursors (conversation_id, user_id, device, kind, seq, timestamp) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`
	selectCursors     = `SELECT user_id, device, kind, seq, timestamp FROM cursors WHERE conversation_id = ?`
	selectUserCursors = `SELECT device, kind, seq, timestamp FROM cursors WHERE conversation_id = ? AND user_id = ?`

	insertDevice  = `INSERT INTO devices (user_id, device, provider, push_token) VALUES (?, ?, ?, ?)`
	selectDevices = `SELECT device, provider, push_token FROM devices WHERE user_id = ?`
	deleteDevice  = `DELETE FROM devices WHERE user_id = ? AND device = ?`

	insertUserConversation  = `INSERT INTO user_conversations (user_id, conversation_id, joined_seq, left_seq, read_seq) VALUES (?, ?, ?, ?, ?)`
	joinUserConversation    = `INSERT INTO user_conversations (user_id, conversation_id, joined_seq, left_seq, read_seq) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`
	leaveUserConversation   = `UPDATE user_conversations USING TIMESTAMP ? SET left_seq = ? WHERE user_id = ? AND conversation_id = ?`
	newestUserConversation  = `UPDATE user_conversations USING TIMESTAMP ? SET last_seq = ?, last_timestamp = ? WHERE user_id = ? AND conversation_id = ?`
	ownUserConversation     = `UPDATE user_conversations USING TIMESTAMP ? SET last_seq = ?, last_timestamp = ?, read_seq = ? WHERE user_id = ? AND conversation_id = ?`
	readUserConversation    = `UPDATE user_conversations USING TIMESTAMP ? SET read_seq = ? WHERE user_id = ? AND conversation_id = ?`
	selectUserConversations = `SELECT conversation_id, joined_seq, left_seq, last_seq, last_timestamp, read_seq FROM user_conversations WHERE user_id = ?`
	selectUserConversation  = `SELECT joined_seq, left_seq FROM user_conversations WHERE user_id = ? AND conversation_id = ?`
)

// What migrations need for themselves.
const (
	insertMigration  = `INSERT INTO schema_migrations (part, version, name, phase, applied_at, checksum) VALUES (?, ?, ?, ?, ?, ?)`
	selectMigrations = `SELECT version, name, phase, applied_at, checksum FROM schema_migrations WHERE part = ?`

	insertClaim  = `INSERT INTO schema_claims (part, runner) VALUES (?, ?) USING TTL ?`
	selectClaims = `SELECT runner FROM schema_claims WHERE part = ?`
	deleteClaim  = `DELETE FROM schema_claims WHERE part = ? AND runner = ?`
)

// Statements lists the data statements above, for tests that hold a server against them.
func Statements() []string {
	return []string{
		insertMessage, selectNewest, selectBefore, selectAfter, selectPlaces, selectContent, selectHead, selectSeq,
		insertConversation, selectConversation, addParticipants, removeParticipants, updateLastMessageAt,
		insertUserConversation, joinUserConversation, leaveUserConversation, newestUserConversation, ownUserConversation, readUserConversation,
		selectUserConversations, selectUserConversation,
		insertCursor, selectCursors, selectUserCursors, insertDevice, selectDevices, deleteDevice,
		insertMigration, selectMigrations, insertClaim, selectClaims, deleteClaim,
	}
}
