package cassandra

import (
	"sync"
	"sync/atomic"

	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// Stats counts what the nodes of a cluster coordinated since it began.
type Stats struct {
	Tables     map[string]TableStats // by "keyspace.table"
	Statements map[string]int64      // executions by the statement's text
}

// TableStats counts the statements for a table. A batch counts as its statements.
type TableStats struct {
	Reads, Writes int64
	RowsRead      int64 // that clients got
	Refused       int64 // of the reads and writes: too few replicas were up, or the level is none for them
}

type counters struct{ reads, writes, rowsRead, refused atomic.Int64 }

type stats struct {
	mu         sync.Mutex
	tables     map[string]*counters // by full name
	statements map[string]*atomic.Int64
}

func newStats() *stats {
	return &stats{tables: map[string]*counters{}, statements: map[string]*atomic.Int64{}}
}

func (s *stats) table(t *schema.Table) *counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.tables[t.String()]
	if c == nil {
		c = &counters{}
		s.tables[t.String()] = c
	}
	return c
}

// statement finds the counter of a statement. Those beyond the bound, of strangers who never prepare the same, share one.
func (s *stats) statement(text string) *atomic.Int64 {
	const others, bound = "(others)", 2 * maxPrepared
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statements[text] == nil && len(s.statements) >= bound {
		text = others
	}
	c := s.statements[text]
	if c == nil {
		c = &atomic.Int64{}
		s.statements[text] = c
	}
	return c
}

// Stats reads the counters.
func (c *Cluster) Stats() Stats {
	c.stats.mu.Lock()
	defer c.stats.mu.Unlock()
	out := Stats{Tables: map[string]TableStats{}, Statements: map[string]int64{}}
	for t, n := range c.stats.tables {
		out.Tables[t] = TableStats{n.reads.Load(), n.writes.Load(), n.rowsRead.Load(), n.refused.Load()}
	}
	for text, n := range c.stats.statements {
		out.Statements[text] = n.Load()
	}
	return out
}
