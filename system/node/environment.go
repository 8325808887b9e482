package node

import (
	"fmt"

	"github.com/alecthomas/kong"
)

// Environment lists the environment variables and the flags that roles and tools take, so that what deploys them can be
// compared.
func Environment() (variables, names []string, err error) {
	takers := []any{&flags{}}
	for _, make := range tools() {
		takers = append(takers, make().flags)
	}
	for _, t := range takers {
		parser, err := kong.New(t)
		if err != nil {
			return nil, nil, fmt.Errorf("read flags: %w", err)
		}
		for _, f := range parser.Model.AllFlags(false) {
			for _, f := range f {
				variables, names = append(variables, f.Envs...), append(names, "--"+f.Name)
			}
		}
	}
	return variables, names, nil
}
