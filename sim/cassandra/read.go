package cassandra

import (
	"encoding/binary"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/plan"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
	"github.com/chatlab/chatlab/sim/cassandra/storage"
)

const (
	scanAtOnce = 1000     // rows
	maxPage    = 8 << 20  // bytes after which a page ends early
	maxResult  = 32 << 20 // bytes of a result without pages
)

func (c *conn) begin(s *statement, state []byte) (plan.Query, error) {
	q, err := s.plan.Select.Query(c.options.Values, state)
	if err != nil {
		return q, err
	}
	s.table.reads.Add(1)
	if err := c.rows.Reset(s.plan.Table, q.Key, q.Range, c.options.Level); err != nil {
		s.table.refused.Add(1)
		return q, err
	}
	return q, nil
}

// readRows appends a page of rows.
func (c *conn) readRows(dst []byte, stream int16, s *statement) ([]byte, error) {
	q, err := c.begin(s, c.options.PagingState)
	if err != nil {
		return nil, err
	}
	p := &page{
		rows:    native.BeginRows(dst, stream, s.plan.Select.Metadata, c.options.SkipMetadata),
		columns: s.plan.Select.Columns, key: plan.SplitKey(s.plan.Table, q.Key), now: c.node.seconds(),
		size: q.Limit, limit: q.Limit, bytes: maxResult,
	}
	if c.options.PageSize > 0 {
		p.size, p.bytes = min(c.options.PageSize, q.Limit), maxPage
	}
	for !p.full {
		rows := c.rows.Next(min(p.size-p.n+1, scanAtOnce))
		if rows == nil {
			break
		}
		p.add(rows)
	}
	if p.more && c.options.PageSize == 0 {
		return nil, cqlerror.Invalid("the result is longer than %d bytes: read it in pages", maxResult)
	}
	s.table.rowsRead.Add(int64(p.n))
	return p.finish(), nil
}

// page is a page of rows on its way to the client.
type page struct {
	rows    *native.Rows
	columns []*schema.Column
	key     [][]byte // of the partition
	now     uint32
	size    int // rows of this page
	limit   int // rows of this page and later ones
	bytes   int

	n    int
	last *storage.Row
	full bool
	more bool // full, and there are rows beyond it
}

func (p *page) add(rows []*storage.Row) {
	for _, r := range rows {
		if !r.Visible(p.now) {
			continue
		}
		if p.n == p.size || p.rows.Size() > p.bytes {
			p.full, p.more = true, true
			return
		}
		p.append(r)
		p.n, p.last = p.n+1, r
		if p.n == p.limit {
			p.full = true
			return
		}
	}
}

func (p *page) append(r *storage.Row) {
	for _, c := range p.columns {
		switch c.Kind {
		case schema.Partition:
			p.rows.Value(p.key[c.Index])
		case schema.Clustering:
			p.rows.Value(r.Clustering[c.Index])
		case schema.Regular:
			p.rows.Value(r.Value(c.Index, p.now))
		case schema.Set:
			p.rows.ValueFrom(func(dst []byte) ([]byte, bool) { return r.AppendSet(dst, c.Index, p.now) })
		}
	}
	p.rows.EndRow()
}

func (p *page) finish() []byte {
	var state []byte
	if p.more {
		state = plan.State(p.last.Key, p.limit-p.n)
	}
	return p.rows.Finish(state)
}

// countRows appends the number of rows.
func (c *conn) countRows(dst []byte, stream int16, s *statement) ([]byte, error) {
	if _, err := c.begin(s, nil); err != nil {
		return nil, err
	}
	n, now := uint64(0), c.node.seconds()
	for rows := c.rows.Next(scanAtOnce); rows != nil; rows = c.rows.Next(scanAtOnce) {
		for _, r := range rows {
			if r.Visible(now) {
				n++
			}
		}
	}
	s.table.rowsRead.Add(int64(n))
	return c.single(dst, stream, s, binary.BigEndian.AppendUint64(nil, n)), nil
}

// single appends a result of one row with one value.
func (c *conn) single(dst []byte, stream int16, s *statement, value []byte) []byte {
	rows := native.BeginRows(dst, stream, s.plan.Select.Metadata, c.options.SkipMetadata)
	rows.Value(value)
	rows.EndRow()
	return rows.Finish(nil)
}
