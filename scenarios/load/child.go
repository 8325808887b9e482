package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// marker tells a new process of this binary that it holds devices.
const marker = "CHATLAB_LOAD"

// Main turns the process into a load process if it was started as one, and does not return then. Commands and TestMain
// call it first.
func Main() {
	if os.Getenv(marker) == "" {
		return
	}
	os.Unsetenv(marker)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve follows orders until they end, also by the parent's death.
func serve(orders io.Reader, reports io.Writer) error {
	in := json.NewDecoder(bufio.NewReaderSize(orders, 1<<16))
	var s Setup
	if err := in.Decode(&s); err != nil {
		return fmt.Errorf("read setup: %w", err)
	}
	f := newFleet(s)
	done := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() { tell(f, json.NewEncoder(reports), done) })
	err := f.follow(in)
	f.close()
	close(done)
	telling.Wait()
	return err
}

func (f *fleet) follow(in *json.Decoder) error {
	for {
		var o order
		switch err := in.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read order: %w", err)
		}
		if err := f.connect(o.Connect); err != nil {
			return err
		}
		if o.Collect {
			f.collect()
		}
	}
}

// tell reports until done, or until nobody listens.
func tell(f *fleet, out *json.Encoder, done <-chan struct{}) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if out.Encode(f.report()) != nil {
				return
			}
		case <-done:
			return
		}
	}
}
