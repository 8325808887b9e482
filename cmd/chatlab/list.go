package main

import (
	"github.com/chatlab/chatlab/scenarios/catalogue"
)

type listCommand struct{}

func (listCommand) Run(c *console) error {
	for _, s := range catalogue.All() {
		c.say(0, s.Name)
		c.say(2, s.Question)
		for _, v := range s.Variants {
			c.say(4, v.Name+": "+v.Description)
		}
	}
	return nil
}
