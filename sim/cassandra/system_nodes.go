package cassandra

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/google/uuid"

	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// What the nodes say of themselves.
const (
	clusterName    = "chatlab"
	releaseVersion = "5.0.5"
	partitioner    = "org.apache.cassandra.dht.Murmur3Partitioner"
	rack           = "rack1"
	internodePort  = 7000
)

func (n *node) localRow() [][]byte {
	ip := inet(n.IP)
	return [][]byte{
		text("local"), text("COMPLETED"), ip,
		text(clusterName), text(cqlVersion), text(schema.DataCenter),
		id(n.hostID), ip, text("4"),
		text(partitioner), text(rack), text(releaseVersion),
		ip, integer(Port), n.schemaVersion(),
		n.tokens(),
	}
}

func (n *node) peerRow() [][]byte {
	ip := inet(n.IP)
	return [][]byte{
		ip, text(schema.DataCenter), id(n.hostID),
		ip, text(rack), text(releaseVersion),
		ip, n.schemaVersion(), n.tokens(),
	}
}

func (n *node) peerV2Row() [][]byte {
	ip := inet(n.IP)
	return [][]byte{
		ip, integer(internodePort), text(schema.DataCenter),
		id(n.hostID), ip, integer(Port),
		ip, integer(internodePort), text(rack),
		text(releaseVersion), n.schemaVersion(), n.tokens(),
	}
}

// peers makes the rows of all other nodes, up or not.
func (n *node) peers(row func(*node) [][]byte) (out [][][]byte) {
	for _, other := range n.cluster.nodes {
		if other != n {
			out = append(out, row(other))
		}
	}
	return out
}

func (n *node) schemaVersion() []byte { return id(n.cluster.catalog.Version()) }

func (n *node) tokens() []byte { return collection(1, text(strconv.FormatInt(n.member.Token, 10))) }

func text(s string) []byte        { return append([]byte{}, s...) }
func inet(a netip.Addr) []byte    { return a.AsSlice() }
func id(u uuid.UUID) []byte       { return u[:] }
func integer(n int) []byte        { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
func bigint(n int) []byte         { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
func boolean(b bool) (out []byte) { return append(out, map[bool]byte{true: 1}[b]) }

// collection encodes n elements, or n pairs of a map.
func collection(n int, parts ...[]byte) []byte {
	out := integer(n)
	for _, p := range parts {
		out = append(append(out, integer(len(p))...), p...)
	}
	return out
}
