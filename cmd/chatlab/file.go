package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/chatlab/chatlab/scenarios/history"
)

// unreadable says what to do about a file that cannot be opened as a history.
func unreadable(file string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist: give a history-VARIANT.chatlab that chatlab run wrote, into chatlab-out unless --out said otherwise", file)
	case errors.Is(err, history.ErrCorrupt):
		return fmt.Errorf("%s is no history: give a history-VARIANT.chatlab that chatlab run wrote, or the lines that chatlab history prints", file)
	}
	return fmt.Errorf("open %s: %w\nscenarios/history/SCHEMA.md says which lines a history has", file, err)
}

// incomplete says what to do about a history that was opened and does not read to its end.
func incomplete(file string, err error) error {
	if errors.Is(err, history.ErrCut) || errors.Is(err, history.ErrCorrupt) {
		return fmt.Errorf("%w\nchatlab history %s prints what comes before; for a verdict, play the scenario again", err, file)
	}
	return err
}
