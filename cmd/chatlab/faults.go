package main

import (
	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios/environment/containers"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
)

type faultsCommand struct{}

// Run prints docs/FAULTS.md, which is made by it.
func (faultsCommand) Run(c *console) error {
	chaos.Document(c.stdout, embedded.Limits(), containers.Limits())
	return nil
}
