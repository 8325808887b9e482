package cassandra

import (
	"github.com/datastax/go-cassandra-native-protocol/datatype"

	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// systemTables declares the tables in which drivers look for nodes and schema.
func systemTables() map[string][]schema.VirtualTable {
	return map[string][]schema.VirtualTable{
		"system":        {localTable(), peersTable(), peersV2Table()},
		"system_schema": schemaTables(),
	}
}

func partition(name string, t schema.Type) schema.Column {
	return schema.Column{Name: name, Type: t, Kind: schema.Partition}
}

func clustering(name string, t schema.Type) schema.Column {
	return schema.Column{Name: name, Type: t, Kind: schema.Clustering}
}

func regular(name string, t schema.Type) schema.Column {
	return schema.Column{Name: name, Type: t, Kind: schema.Regular}
}

func texts() schema.Type   { return datatype.NewSet(datatype.Varchar) }
func textMap() schema.Type { return datatype.NewMap(datatype.Varchar, datatype.Varchar) }

func localTable() schema.VirtualTable {
	return schema.VirtualTable{Name: "local", Columns: []schema.Column{
		partition("key", datatype.Varchar), regular("bootstrapped", datatype.Varchar), regular("broadcast_address", datatype.Inet),
		regular("cluster_name", datatype.Varchar), regular("cql_version", datatype.Varchar), regular("data_center", datatype.Varchar),
		regular("host_id", datatype.Uuid), regular("listen_address", datatype.Inet), regular("native_protocol_version", datatype.Varchar),
		regular("partitioner", datatype.Varchar), regular("rack", datatype.Varchar), regular("release_version", datatype.Varchar),
		regular("rpc_address", datatype.Inet), regular("rpc_port", datatype.Int), regular("schema_version", datatype.Uuid),
		regular("tokens", texts()),
	}}
}

func peersTable() schema.VirtualTable {
	return schema.VirtualTable{Name: "peers", Columns: []schema.Column{
		partition("peer", datatype.Inet), regular("data_center", datatype.Varchar), regular("host_id", datatype.Uuid),
		regular("preferred_ip", datatype.Inet), regular("rack", datatype.Varchar), regular("release_version", datatype.Varchar),
		regular("rpc_address", datatype.Inet), regular("schema_version", datatype.Uuid), regular("tokens", texts()),
	}}
}

func peersV2Table() schema.VirtualTable {
	return schema.VirtualTable{Name: "peers_v2", Columns: []schema.Column{
		partition("peer", datatype.Inet), clustering("peer_port", datatype.Int), regular("data_center", datatype.Varchar),
		regular("host_id", datatype.Uuid), regular("native_address", datatype.Inet), regular("native_port", datatype.Int),
		regular("preferred_ip", datatype.Inet), regular("preferred_port", datatype.Int), regular("rack", datatype.Varchar),
		regular("release_version", datatype.Varchar), regular("schema_version", datatype.Uuid), regular("tokens", texts()),
	}}
}

// readVirtual appends the rows of a table that are made when they are read, all on one page.
func (c *conn) readVirtual(dst []byte, stream int16, s *statement) ([]byte, error) {
	sel := s.plan.Select
	limit, err := sel.Limit(c.options.Values)
	if err != nil {
		return nil, err
	}
	var found [][][]byte
	for _, row := range c.node.systemRows(s.plan.Table) {
		ok, err := sel.Matches(row, c.options.Values)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, row)
		}
	}
	s.table.reads.Add(1)
	if sel.Count {
		return c.single(dst, stream, s, bigint(len(found))), nil
	}
	rows := native.BeginRows(dst, stream, sel.Metadata, c.options.SkipMetadata)
	for _, row := range found[:min(limit, len(found))] {
		for _, column := range sel.Columns {
			rows.Value(row[position(s.plan.Table, column)])
		}
		rows.EndRow()
	}
	return rows.Finish(nil), nil
}

func position(t *schema.Table, c *schema.Column) int {
	for i := range t.Columns {
		if t.Columns[i] == c {
			return i
		}
	}
	return -1
}

// systemRows makes the rows of a system table, each with a value for each column of the table in order.
func (n *node) systemRows(t *schema.Table) [][][]byte {
	switch t.Keyspace.Name + "." + t.Name {
	case "system.local":
		return [][][]byte{n.localRow()}
	case "system.peers":
		return n.peers((*node).peerRow)
	case "system.peers_v2":
		return n.peers((*node).peerV2Row)
	case "system_schema.keyspaces":
		return keyspaceRows(n.cluster.catalog)
	case "system_schema.tables":
		return tableRows(n.cluster.catalog)
	case "system_schema.columns":
		return columnRows(n.cluster.catalog)
	}
	return nil // types, functions, aggregates and views: there are none
}
