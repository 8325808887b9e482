package main

import (
	"fmt"

	"github.com/chatlab/chatlab/scenarios/catalogue"
)

type listCommand struct{}

func (listCommand) Run(c *console) error {
	for _, s := range catalogue.All() {
		fmt.Fprintf(c.stdout, "%s\n  %s\n", s.Name, s.Question)
		for _, v := range s.Variants {
			fmt.Fprintf(c.stdout, "    %-10s %s\n", v.Name, v.Description)
		}
	}
	return nil
}
