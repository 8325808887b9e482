package push

// mayPanic panics about one text: a defect for tests of a pod's way around records that it cannot process.
func mayPanic(mutant, text string) {
	if mutant == "handling_panics" && text == "panic" {
		panic("a text that this pod cannot bear")
	}
}
