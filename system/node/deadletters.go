package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/wire"
)

const aboutDeadLetters = `Looks at the records that no worker could process, and sends them where they came from once more.

Exit codes: 0 done, 2 wrong command line, 3 could not reach the log or go on, 4 a letter was not found or not sent again.`

type deadLettersFlags struct {
	logFlags

	List struct {
		Limit int  `help:"How many, the newest first." default:"50"`
		JSON  bool `name:"json" help:"One JSON object a line, with key and value."`
	} `cmd:"" help:"List what there is."`
	Show   showFlags   `cmd:"" help:"Show one letter as JSON, with key and value."`
	Replay replayFlags `cmd:"" help:"Write letters to the end of the topic where they came from."`
}

type showFlags struct {
	Letter string `arg:"" help:"PARTITION/OFFSET as the list names it."`
}

// Validate is called by the parser.
func (f *showFlags) Validate() error {
	_, _, err := deadletter.ParseName(f.Letter)
	return err
}

type replayFlags struct {
	Letters []string `arg:"" optional:"" help:"PARTITION/OFFSET as the list names them."`
	All     bool     `help:"All that were not sent again yet; those of the push group only with --force, because the same records are among the others."`
	Force   bool     `help:"Also what was sent again before, and what workers can no longer tell from a repetition."`
}

// Validate is called by the parser.
func (f *replayFlags) Validate() error {
	if f.All == (len(f.Letters) > 0) {
		return errors.New("name letters, or ask for --all")
	}
	for _, name := range f.Letters {
		if _, _, err := deadletter.ParseName(name); err != nil {
			return err
		}
	}
	return nil
}

func deadLettersTool() tool {
	f := &deadLettersFlags{}
	return tool{name: "dead-letters", about: aboutDeadLetters, flags: f, run: f.run}
}

func (f *deadLettersFlags) run(ctx context.Context, chosen string, stdout, stderr io.Writer) error {
	log := f.client(stderr)
	defer log.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	letters, err := deadletter.List(ctx, log)
	if err != nil {
		return fmt.Errorf("list dead letters: %w", err)
	}
	switch strings.Fields(chosen)[0] {
	case "show":
		return f.show(letters, stdout)
	case "replay":
		return f.replay(ctx, log, letters, stdout, stderr)
	default:
		return f.list(letters, stdout)
	}
}

func (f *deadLettersFlags) list(letters []deadletter.Letter, stdout io.Writer) error {
	letters = letters[:min(len(letters), max(f.List.Limit, 0))]
	if f.List.JSON {
		out := json.NewEncoder(stdout)
		for _, l := range letters {
			if err := out.Encode(l); err != nil {
				return fmt.Errorf("print letter: %w", err)
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LETTER\tSINCE\tORIGIN\tGROUP\tBYTES\tREPLAYED\tERROR")
	for _, l := range letters {
		replayed := "-"
		if !l.Replayed.IsZero() {
			replayed = l.Replayed.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s/%d/%d\t%s\t%d\t%s\t%.80q\n", l.Name(), l.Time.Format(time.RFC3339),
			l.Origin.Topic, l.Origin.Partition, l.Origin.Offset, l.Origin.Group, len(l.Value), replayed, l.Error)
	}
	return w.Flush()
}

func (f *deadLettersFlags) show(letters []deadletter.Letter, stdout io.Writer) error {
	chosen, err := choose(letters, []string{f.Show.Letter})
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	out.SetIndent("", "  ")
	return out.Encode(chosen[0])
}

// choose finds letters by their names.
func choose(letters []deadletter.Letter, names []string) (chosen []deadletter.Letter, err error) {
	for _, name := range names {
		i := slices.IndexFunc(letters, func(l deadletter.Letter) bool { return l.Name() == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: there is no letter %s", errRefused, name)
		}
		chosen = append(chosen, letters[i])
	}
	return chosen, nil
}

func (f *deadLettersFlags) replay(ctx context.Context, log *kafka.Client, letters []deadletter.Letter, stdout, stderr io.Writer) error {
	chosen, err := f.toReplay(letters)
	if err != nil {
		return err
	}
	replayer, kept := deadletter.NewReplayer(log, time.Now), 0
	replayer.Force = f.Replay.Force
	for _, l := range chosen {
		err := replayer.Replay(ctx, l)
		var refused *deadletter.RefusedReplay
		switch {
		case errors.As(err, &refused):
			kept++
			fmt.Fprintf(stderr, "%s is not sent again: %s; --force sends it\n", l.Name(), refused.Why)
		case err != nil:
			return err
		default:
			fmt.Fprintf(stdout, "%s to %s\n", l.Name(), l.Origin.Topic)
		}
	}
	if kept > 0 {
		return fmt.Errorf("%w: %d of %d letters are not sent again", errRefused, kept, len(chosen))
	}
	return nil
}

// toReplay takes the oldest first: that is their order in the log.
func (f *deadLettersFlags) toReplay(letters []deadletter.Letter) ([]deadletter.Letter, error) {
	if !f.Replay.All {
		return choose(letters, f.Replay.Letters)
	}
	fresh := slices.DeleteFunc(slices.Clone(letters), func(l deadletter.Letter) bool {
		return !l.Replayed.IsZero() || l.Origin.Group == wire.GroupPush && !f.Replay.Force
	})
	slices.Reverse(fresh)
	return fresh, nil
}
