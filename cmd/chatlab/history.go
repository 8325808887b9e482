package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/chatlab/chatlab/scenarios/history"
)

type historyCommand struct {
	File string `arg:"" help:"A history that a run wrote: history-VARIANT.chatlab." type:"path"`
}

// Run prints what can be read; of a file that was cut, everything up to the cut.
func (h historyCommand) Run(c *console) error {
	f, err := os.Open(h.File)
	if err != nil {
		return unreadable(h.File, err)
	}
	defer f.Close()
	r, err := history.Open(f)
	if err != nil {
		return unreadable(h.File, err)
	}
	out := bufio.NewWriterSize(c.stdout, 1<<16)
	err = history.WriteJSONLines(out, r)
	if ferr := out.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return fmt.Errorf("print %s: %w", h.File, err)
	}
	return nil
}
