package cassandra

import (
	"crypto/md5"
	"sync"
	"sync/atomic"

	"github.com/datastax/go-cassandra-native-protocol/message"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/plan"
)

// statement is a compiled statement with its counters.
type statement struct {
	plan       *plan.Plan
	table      *counters
	executions *atomic.Int64
}

func (c *Cluster) compile(keyspace, text string, s cql.Statement, binds int) (*statement, error) {
	p, err := plan.Compile(c.catalog, keyspace, s, binds)
	if err != nil {
		return nil, err
	}
	out := &statement{plan: p, table: &counters{}, executions: &atomic.Int64{}}
	if !p.Table.Virtual { // what drivers ask for themselves is not counted
		out.table, out.executions = c.stats.table(p.Table), c.stats.statement(text)
	}
	return out, nil
}

// maxPrepared bounds the statements that a node keeps; the oldest is forgotten first and prepared again when it is used.
const maxPrepared = 1000

type statementID [md5.Size]byte

// prepared is what a node keeps of PREPARE messages.
type prepared struct {
	mu         sync.RWMutex
	statements map[statementID]*statement
	order      []statementID
}

func newPrepared() *prepared { return &prepared{statements: map[statementID]*statement{}} }

func (p *prepared) get(id []byte) *statement {
	if len(id) != md5.Size {
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.statements[statementID(id)]
}

func (p *prepared) put(id statementID, s *statement) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.statements[id] == nil {
		p.order = append(p.order, id)
	}
	p.statements[id] = s
	if len(p.order) > maxPrepared {
		delete(p.statements, p.order[0])
		p.order = p.order[1:]
	}
}

func (c *conn) prepare(dst []byte, f native.Frame) ([]byte, error) {
	text, err := f.Prepare()
	if err != nil {
		return nil, err
	}
	id := statementID(md5.Sum([]byte(c.keyspace + "\x00" + text)))
	s := c.node.prepared.get(id[:])
	if s == nil {
		if s, err = c.parse(text); err != nil {
			return nil, err
		}
		c.node.prepared.put(id, s)
	}
	return c.reply(dst, f.Stream, &message.PreparedResult{
		PreparedQueryId:   id[:],
		VariablesMetadata: &message.VariablesMetadata{PkIndices: s.plan.Routing, Columns: s.plan.Binds},
		ResultMetadata:    &message.RowsMetadata{ColumnCount: int32(len(s.plan.Results())), Columns: s.plan.Results()},
	})
}

func (c *conn) parse(text string) (*statement, error) {
	s, binds, err := cql.Parse(text)
	if err != nil {
		return nil, err
	}
	return c.node.cluster.compile(c.keyspace, text, s, binds)
}
