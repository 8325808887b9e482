package client

// Defects break the device on purpose, so that mutation tests can prove that the lab's properties see it.
type Defects struct {
	NoDedupe  bool // shows again what it has shown
	NoGapFill bool // jumps over gaps and reads no history, nor a first screen
	NoOrder   bool // shows messages as they come
}

// goesBack says whether the device shows a place that it has passed.
func (d Defects) goesBack() bool { return d.NoDedupe || d.NoOrder }

// jumps says whether it shows a place though one before it is missing.
func (d Defects) jumps() bool { return d.NoGapFill || d.NoOrder }
