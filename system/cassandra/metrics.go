package cassandra

import (
	"context"
	"strings"

	"github.com/gocql/gocql"
	"github.com/prometheus/client_golang/prometheus"
)

// Counts counts the statements that go to the cluster, each attempt and each page by itself.
type Counts struct {
	callOf        func(context.Context) string
	tables        map[string]string // by statement
	reads, writes *prometheus.CounterVec
	newest        *prometheus.CounterVec
}

// NewCounts begins to count; callOf names what a statement is done for.
func NewCounts(r prometheus.Registerer, callOf func(context.Context) string) *Counts {
	o := &Counts{
		callOf: callOf,
		tables: map[string]string{},
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_store_reads_total", Help: "Reads that were sent to Cassandra, by table and by the call that they serve; each attempt and each page counts.",
		}, []string{"table", "call"}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_store_writes_total", Help: "Writes that were sent to Cassandra, by table and by the call that they serve; a batch counts as its statements, and each attempt counts.",
		}, []string{"table", "call"}),
		newest: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_store_newest_reads_total", Help: "Of those reads, the ones of a conversation's newest messages, by the call that they serve: where the cache did not have them.",
		}, []string{"call"}),
	}
	for _, s := range Statements() {
		o.tables[s] = tableOf(s)
	}
	r.MustRegister(o.reads, o.writes, o.newest)
	return o
}

// ObserveQuery implements gocql.QueryObserver.
func (o *Counts) ObserveQuery(ctx context.Context, q gocql.ObservedQuery) { o.count(ctx, q.Statement) }

// ObserveBatch implements gocql.BatchObserver.
func (o *Counts) ObserveBatch(ctx context.Context, b gocql.ObservedBatch) {
	for _, s := range b.Statements {
		o.count(ctx, s)
	}
}

func (o *Counts) count(ctx context.Context, statement string) {
	table, ok := o.tables[statement]
	if !ok {
		table = "other"
	}
	if statement == selectNewest {
		o.newest.WithLabelValues(o.callOf(ctx)).Inc()
	}
	if strings.HasPrefix(statement, "SELECT") {
		o.reads.WithLabelValues(table, o.callOf(ctx)).Inc()
		return
	}
	o.writes.WithLabelValues(table, o.callOf(ctx)).Inc()
}

// tableOf reads the table's name out of a statement.
func tableOf(statement string) string {
	words := strings.Fields(statement)
	for i, w := range words[:len(words)-1] {
		switch w {
		case "FROM", "INTO", "UPDATE":
			return words[i+1]
		}
	}
	return "other"
}
