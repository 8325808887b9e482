package load

import (
	"bufio"
	"encoding/gob"
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
func serve(orders io.Reader, tell io.Writer) error {
	in := gob.NewDecoder(bufio.NewReaderSize(orders, 1<<16))
	var s Setup
	if err := in.Decode(&s); err != nil {
		return fmt.Errorf("read setup: %w", err)
	}
	f := newFleet(s)
	ps := newPhones(f)
	done := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() { tellAll(f, ps, gob.NewEncoder(tell), done) })
	err := follow(in, f, ps)
	f.close()
	close(done)
	telling.Wait()
	return err
}

func follow(in *gob.Decoder, f *fleet, ps *phones) error {
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
		if o.Call == nil {
			continue
		}
		if err := ps.do(*o.Call); err != nil {
			return err
		}
	}
}

// tellAll tells until done, or until nobody listens.
func tellAll(f *fleet, ps *phones, out *gob.Encoder, done <-chan struct{}) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		var t told
		last := false
		select {
		case <-tick.C:
			r := f.report()
			t.Report = &r
		case <-ps.wake:
		case <-done:
			last = true
		}
		t.Words = ps.take()
		if out.Encode(t) != nil || last {
			return
		}
	}
}
