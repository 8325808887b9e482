package plan

import (
	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// where is a compiled WHERE: equality on the whole partition key and on leading clustering columns, then perhaps a range
// of the next one.
type where struct {
	partition, clustering []operand
	lower, upper          *bound
}

// bound ends a range; it says so in the order of the values, which a descending column turns round.
type bound struct {
	operand
	inclusive bool
}

// where compiles conditions. They may name only columns of the primary key, each once but for the two ends of a range.
func (b *builder) where(relations []cql.Relation) (*where, error) {
	equal, w := map[string]operand{}, &where{}
	ranged := ""
	for _, r := range relations {
		c, err := b.keyColumn(r.Column)
		if err != nil {
			return nil, err
		}
		o, err := b.operand(c, r.Value)
		if err != nil {
			return nil, err
		}
		if _, twice := equal[c.Name]; twice || ranged == c.Name && r.Operator == "=" {
			return nil, cqlerror.Invalid("%s cannot be restricted by more than one relation if it includes an Equal", c.Name)
		}
		if r.Operator == "=" {
			equal[c.Name] = o
			continue
		}
		if err := w.addBound(c, r.Operator, o, ranged); err != nil {
			return nil, err
		}
		ranged = c.Name
	}
	return w, w.arrange(b.plan.Table, equal, ranged)
}

func (b *builder) keyColumn(name string) (*schema.Column, error) {
	c, err := b.plan.Table.Column(name)
	if err != nil {
		return nil, err
	}
	if c.Kind > schema.Clustering {
		return nil, cqlerror.Invalid("%s in WHERE is no column of the primary key: that would need filtering, which is not supported by this server", name)
	}
	return c, nil
}

func (w *where) addBound(c *schema.Column, operator string, o operand, ranged string) error {
	if c.Kind == schema.Partition {
		return cqlerror.Invalid("Only EQ relations are supported on the partition key: %s %s", c.Name, operator)
	}
	if ranged != "" && ranged != c.Name {
		return cqlerror.Invalid("Clustering column \"%s\" cannot be restricted (preceding column \"%s\" is restricted by a non-EQ relation)", c.Name, ranged)
	}
	end, at := "start", &w.lower
	if operator[0] == '<' {
		end, at = "end", &w.upper
	}
	if *at != nil {
		return cqlerror.Invalid("More than one restriction was found for the %s bound on %s", end, c.Name)
	}
	*at = &bound{operand: o, inclusive: len(operator) == 2}
	return nil
}

// arrange puts the operands in the order of the key's columns and refuses gaps.
func (w *where) arrange(t *schema.Table, equal map[string]operand, ranged string) error {
	for _, c := range t.Of(schema.Partition) {
		o, ok := equal[c.Name]
		if !ok {
			return cqlerror.Invalid("Some partition key parts are missing: %s. Reading more than one partition is not supported by this server", c.Name)
		}
		w.partition = append(w.partition, o)
		delete(equal, c.Name)
	}
	for _, c := range t.Of(schema.Clustering) {
		o, ok := equal[c.Name]
		if !ok {
			if ranged == c.Name {
				ranged = ""
			}
			break
		}
		w.clustering = append(w.clustering, o)
		delete(equal, c.Name)
	}
	for name := range equal {
		ranged = name
	}
	if ranged != "" {
		return cqlerror.Invalid("PRIMARY KEY column \"%s\" cannot be restricted as a preceding column is not restricted", ranged)
	}
	return nil
}
