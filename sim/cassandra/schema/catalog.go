package schema

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// DataCenter is the only data center there is.
const DataCenter = "datacenter1"

// Keyspace is a keyspace; its replication does not change once made.
type Keyspace struct {
	Name        string
	Replication map[string]string
	Factor      int  // replicas of each partition
	Virtual     bool // its tables' rows are made when they are read
	tables      map[string]*Table
}

// Catalog holds what the nodes of a cluster know of its schema; they always agree.
type Catalog struct {
	mu        sync.RWMutex
	keyspaces map[string]*Keyspace
	version   int
}

// NewCatalog makes a catalog with keyspaces of tables whose rows are made when they are read.
func NewCatalog(virtual map[string][]VirtualTable) *Catalog {
	c := &Catalog{keyspaces: map[string]*Keyspace{}}
	for name, tables := range virtual {
		k := &Keyspace{
			Name: name, Factor: 1, Virtual: true, tables: map[string]*Table{},
			Replication: map[string]string{"class": "org.apache.cassandra.locator.LocalStrategy"},
		}
		for _, v := range tables {
			k.tables[v.Name] = v.table(k)
		}
		c.keyspaces[name] = k
	}
	return c
}

// VirtualTable declares a table whose rows are made when they are read; its columns keep their order.
type VirtualTable struct {
	Name    string
	Columns []Column
}

func (v VirtualTable) table(k *Keyspace) *Table {
	t := &Table{Keyspace: k, Name: v.Name, Virtual: true, ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(k.Name+"."+v.Name))}
	for _, c := range v.Columns {
		t.add(c.Name, c.Type, c.Kind)
	}
	return t
}

// Version is the same for two catalogs, or for one at two times, only if nothing was created in between.
func (c *Catalog) Version() uuid.UUID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(strconv.Itoa(c.version)))
}

// Keyspace finds a keyspace.
func (c *Catalog) Keyspace(name string) (*Keyspace, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.keyspace(name)
}

func (c *Catalog) keyspace(name string) (*Keyspace, error) {
	if name == "" {
		return nil, cqlerror.Invalid("No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename")
	}
	k, ok := c.keyspaces[name]
	if !ok {
		return nil, cqlerror.Invalid("Keyspace '%s' does not exist", name)
	}
	return k, nil
}

// Table finds a table; keyspace counts where the name has none.
func (c *Catalog) Table(name cql.Table, keyspace string) (*Table, error) {
	if name.Keyspace != "" {
		keyspace = name.Keyspace
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	k, err := c.keyspace(keyspace)
	if err != nil {
		return nil, err
	}
	t, ok := k.tables[name.Name]
	if !ok {
		return nil, cqlerror.Invalid("table %s.%s does not exist (unconfigured table)", keyspace, name.Name)
	}
	return t, nil
}

// Keyspaces lists the keyspaces by name.
func (c *Catalog) Keyspaces() []*Keyspace {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.SortedFunc(maps.Values(c.keyspaces), func(a, b *Keyspace) int { return strings.Compare(a.Name, b.Name) })
}

// Tables lists a keyspace's tables by name.
func (c *Catalog) Tables(k *Keyspace) []*Table {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.SortedFunc(maps.Values(k.tables), func(a, b *Table) int { return strings.Compare(a.Name, b.Name) })
}
