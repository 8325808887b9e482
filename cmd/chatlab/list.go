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
			text := v.Name + ": " + v.Description
			if v.World != "" {
				text += " (world " + v.World + " only)"
			}
			c.say(4, text)
		}
	}
	return nil
}
