package chaos

import (
	"fmt"
	"path"
	"slices"
)

// Refusal is something that a world cannot do honestly.
type Refusal struct {
	Verbs []string // of the kinds of fault
	Names []string // patterns of the processes, or of both ends of the links
	Why   string
	Needs string // the world that can; empty: none can
}

// Unavailable says that a world cannot do a fault, why, and which one can.
type Unavailable struct {
	World string
	Refusal
}

func (u *Unavailable) Error() string {
	if u.Needs == "" {
		return fmt.Sprintf("no world can: %s", u.Why)
	}
	return fmt.Sprintf("needs the world %s; world %s cannot: %s", u.Needs, u.World, u.Why)
}

// Limits is all that a world cannot do. Its Available and the documentation are made of the same list.
type Limits struct {
	World    string
	Refusals []Refusal
}

// Refuse returns the refusal that a fault meets, as an Unavailable; nil if it meets none.
func (l Limits) Refuse(f Fault) error {
	t := f.Target()
	for _, r := range l.Refusals {
		if slices.Contains(r.Verbs, verb(f)) && (r.names(t.Name) || r.names(t.Path.From) && r.names(t.Path.To)) {
			return &Unavailable{l.World, r}
		}
	}
	return nil
}

func (r Refusal) names(name string) bool {
	return slices.ContainsFunc(r.Names, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}
