package cassandra

import (
	"maps"
	"slices"

	"github.com/datastax/go-cassandra-native-protocol/datatype"

	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

func schemaTables() []schema.VirtualTable {
	list := datatype.NewList(datatype.Varchar)
	keyspace := partition("keyspace_name", datatype.Varchar)
	return []schema.VirtualTable{
		{Name: "keyspaces", Columns: []schema.Column{keyspace, regular("durable_writes", datatype.Boolean), regular("replication", textMap())}},
		{Name: "tables", Columns: []schema.Column{keyspace, clustering("table_name", datatype.Varchar), regular("id", datatype.Uuid)}},
		{Name: "columns", Columns: []schema.Column{
			keyspace, clustering("table_name", datatype.Varchar), clustering("column_name", datatype.Varchar),
			regular("clustering_order", datatype.Varchar), regular("kind", datatype.Varchar), regular("position", datatype.Int),
			regular("type", datatype.Varchar),
		}},
		{Name: "types", Columns: []schema.Column{
			keyspace, clustering("type_name", datatype.Varchar), regular("field_names", list), regular("field_types", list),
		}},
		{Name: "functions", Columns: []schema.Column{
			keyspace, clustering("function_name", datatype.Varchar), regular("argument_types", list), regular("argument_names", list),
			regular("body", datatype.Varchar), regular("called_on_null_input", datatype.Boolean), regular("language", datatype.Varchar),
			regular("return_type", datatype.Varchar),
		}},
		{Name: "aggregates", Columns: []schema.Column{
			keyspace, clustering("aggregate_name", datatype.Varchar), regular("argument_types", list), regular("final_func", datatype.Varchar),
			regular("initcond", datatype.Varchar), regular("return_type", datatype.Varchar), regular("state_func", datatype.Varchar),
			regular("state_type", datatype.Varchar),
		}},
		viewsTable(keyspace),
	}
}

func viewsTable(keyspace schema.Column) schema.VirtualTable {
	double, number := datatype.Double, datatype.Int
	return schema.VirtualTable{Name: "views", Columns: []schema.Column{
		keyspace, clustering("view_name", datatype.Varchar), regular("base_table_id", datatype.Uuid),
		regular("base_table_name", datatype.Varchar), regular("bloom_filter_fp_chance", double), regular("caching", textMap()),
		regular("comment", datatype.Varchar), regular("compaction", textMap()), regular("compression", textMap()),
		regular("crc_check_chance", double), regular("dclocal_read_repair_chance", double), regular("default_time_to_live", number),
		regular("extensions", datatype.NewMap(datatype.Varchar, datatype.Blob)), regular("gc_grace_seconds", number),
		regular("id", datatype.Uuid), regular("include_all_columns", datatype.Boolean), regular("max_index_interval", number),
		regular("memtable_flush_period_in_ms", number), regular("min_index_interval", number), regular("read_repair_chance", double),
		regular("speculative_retry", datatype.Varchar),
	}}
}

func keyspaceRows(c *schema.Catalog) (out [][][]byte) {
	for _, k := range c.Keyspaces() {
		var options [][]byte
		for _, name := range slices.Sorted(maps.Keys(k.Replication)) {
			options = append(options, text(name), text(k.Replication[name]))
		}
		out = append(out, [][]byte{text(k.Name), boolean(true), collection(len(k.Replication), options...)})
	}
	return out
}

func tableRows(c *schema.Catalog) (out [][][]byte) {
	for _, k := range c.Keyspaces() {
		for _, t := range c.Tables(k) {
			out = append(out, [][]byte{text(k.Name), text(t.Name), id(t.ID)})
		}
	}
	return out
}

func columnRows(c *schema.Catalog) (out [][][]byte) {
	for _, k := range c.Keyspaces() {
		for _, t := range c.Tables(k) {
			for _, col := range t.Columns {
				out = append(out, columnRow(t, col))
			}
		}
	}
	return out
}

func columnRow(t *schema.Table, c *schema.Column) [][]byte {
	order, position := "none", -1
	if c.Kind <= schema.Clustering {
		position = c.Index
	}
	if c.Kind == schema.Clustering {
		order = "asc"
		if c.Descending {
			order = "desc"
		}
	}
	return [][]byte{
		text(t.Keyspace.Name), text(t.Name), text(c.Name),
		text(order), text(c.Kind.String()), integer(position), text(schema.Name(c.Type)),
	}
}
