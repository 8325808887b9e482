package push

import "github.com/chatlab/chatlab/system/chat"

// mayPanic panics about one text: a defect for tests of a pod's way around records that it cannot process.
func mayPanic(mutant, text string) {
	if mutant == "handling_panics" && text == "panic" {
		panic("a text that this pod cannot bear")
	}
}

// blind is a defect for mutation tests: everybody looks offline.
func blind(mutant string) bool { return mutant == "push_blind" }

// shy is a defect for mutation tests: nobody is told of a conversation's later messages.
func (j job) shy(devices []chat.PushDevice) []chat.PushDevice {
	if j.cfg.Switches.Mutant == "push_shy" && j.n.Place.Seq > 5 {
		return nil
	}
	return devices
}
