// Package machine says what tests that play runs may ask of the machine they are on.
package machine

import (
	"flag"
	"strconv"
)

// SideBySide lets so many parallel tests play at a time: a run of the small kind waits for nine tenths of its time. Under
// the race detector it is one. What the command line says goes before; flags are parsed by then.
func SideBySide(runs int) {
	f := flag.Lookup("test.parallel")
	if f.Value.String() != f.DefValue {
		return
	}
	if RaceDetector {
		runs = 1
	}
	_ = f.Value.Set(strconv.Itoa(runs))
}
