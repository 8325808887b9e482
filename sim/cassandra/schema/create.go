package schema

import (
	"strconv"
	"strings"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// maxKeyspaces and maxTables bound what strangers can create.
const (
	maxKeyspaces = 100
	maxTables    = 200
	maxFactor    = 100
)

// CreateKeyspace makes a keyspace; created is false if it was there and the statement allows that.
func (c *Catalog) CreateKeyspace(def *cql.CreateKeyspace) (created bool, err error) {
	if err := checkName("keyspace", def.Name); err != nil {
		return false, err
	}
	factor, err := factor(def.Replication)
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.keyspaces[def.Name]; ok {
		if def.IfNotExists {
			return false, nil
		}
		return false, cqlerror.Exists(def.Name, "")
	}
	if len(c.keyspaces) >= maxKeyspaces {
		return false, cqlerror.Invalid("there are %d keyspaces already, as many as this server takes", maxKeyspaces)
	}
	c.keyspaces[def.Name] = &Keyspace{Name: def.Name, Replication: fullNames(def.Replication), Factor: factor, tables: map[string]*Table{}}
	c.version++
	return true, nil
}

const strategies = "org.apache.cassandra.locator."

// factor reads the replication factor out of a keyspace's options.
func factor(options map[string]string) (int, error) {
	where := "replication_factor"
	switch strings.TrimPrefix(options["class"], strategies) {
	case "SimpleStrategy":
	case "NetworkTopologyStrategy":
		if _, ok := options[DataCenter]; ok {
			where = DataCenter
		}
	case "":
		return 0, cqlerror.Config("Missing replication strategy class")
	default:
		return 0, cqlerror.Config("Unable to find replication strategy class '%s'", options["class"])
	}
	for name := range options {
		if name != "class" && name != where {
			return 0, cqlerror.Config("Unrecognized strategy option {%s}", name)
		}
	}
	n, err := strconv.Atoi(options[where])
	if err != nil || n < 1 || n > maxFactor {
		return 0, cqlerror.Config("Replication factor must be a number from 1 to %d; found '%s'", maxFactor, options[where])
	}
	return n, nil
}

// fullNames writes the options as system_schema shows them.
func fullNames(options map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range options {
		out[name] = value
	}
	out["class"] = strategies + strings.TrimPrefix(options["class"], strategies)
	return out
}

// CreateTable makes a table; created is false if it was there and the statement allows that.
func (c *Catalog) CreateTable(def *cql.CreateTable, keyspace string) (t *Table, created bool, err error) {
	if def.Table.Keyspace != "" {
		keyspace = def.Table.Keyspace
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k, err := c.keyspace(keyspace)
	if err != nil {
		return nil, false, err
	}
	if k.Virtual {
		return nil, false, cqlerror.Invalid("keyspace %s is not user-modifiable", k.Name)
	}
	if t, ok := k.tables[def.Table.Name]; ok {
		if def.IfNotExists {
			return t, false, nil
		}
		return nil, false, cqlerror.Exists(k.Name, def.Table.Name)
	}
	if len(k.tables) >= maxTables {
		return nil, false, cqlerror.Invalid("keyspace %s has %d tables already, as many as this server takes", k.Name, maxTables)
	}
	if t, err = newTable(k, def); err != nil {
		return nil, false, err
	}
	k.tables[t.Name] = t
	c.version++
	return t, true, nil
}
