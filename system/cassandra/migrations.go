package cassandra

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Phase says what a migration does to the code that runs beside it.
type Phase string

// Phases. First every database is expanded, then the code that needs it is rolled out, and when no older code runs any
// more, what only that needed is contracted.
const (
	Expand   Phase = "expand"   // adds: code of before and after works with it
	Contract Phase = "contract" // takes away: only code of after works with it
)

// Migration is one numbered step of the schema. Its statements may be repeated.
type Migration struct {
	Version    int
	Name       string
	Phase      Phase
	Statements []string
}

// Migrations lists all steps in order. A step that was released is never changed: another one is added. A new column is
// `ALTER TABLE ... ADD IF NOT EXISTS ...`.
func Migrations() []Migration {
	return []Migration{
		{1, "messages, conversations and their members", Expand, []string{createMessages, createConversations, createUserConversations}},
		{2, "cursors", Expand, []string{createCursors}},
		{3, "push devices", Expand, []string{createDevices}},
		{4, "what is newest and read, in each member's row", Expand, []string{addNewest, addRead}},
	}
}

// Tables lists the statements that make every table inside a keyspace, those of the migrations themselves first.
func Tables() []string {
	all := []string{createMigrations, createClaims}
	for _, m := range Migrations() {
		if m.Phase == Expand {
			all = append(all, m.Statements...)
		}
	}
	return all
}

// Checksum tells whether a step is still the one that was applied; spaces do not count.
func (m Migration) Checksum() string {
	h := sha256.New()
	for _, s := range m.Statements {
		h.Write([]byte(strings.Join(strings.Fields(s), " ") + ";"))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
