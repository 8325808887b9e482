package chaos

import (
	"strconv"
	"strings"
	"time"
)

func named(fault func(name string) Fault) func(*words) (Fault, error) {
	return func(w *words) (Fault, error) {
		name, err := w.name("a name such as gateway-1")
		return fault(name), err
	}
}

func readDrain(w *words) (_ Fault, err error) {
	var f Drain
	if f.Name, err = w.name("a name such as gateway-1"); err != nil {
		return f, err
	}
	if err = w.literal("over"); err != nil {
		return f, err
	}
	f.Over, err = w.duration("a time", 1)
	return f, err
}

func readSkew(w *words) (_ Fault, err error) {
	var f Skew
	if f.Name, err = w.name("a name such as message-1"); err != nil {
		return f, err
	}
	f.By, err = parsed(w, "a shift such as 500ms or -500ms", func(text string) (time.Duration, bool) {
		d, err := time.ParseDuration(text)
		return d, err == nil && d != 0
	})
	return f, err
}

func readMemory(w *words) (_ Fault, err error) {
	var f Memory
	if f.Name, err = w.name("a name such as gateway-1"); err != nil {
		return f, err
	}
	f.Bytes, err = parsed(w, "a size such as 64MB", parseSize)
	return f, err
}

func readEvict(w *words) (_ Fault, err error) {
	var f Evict
	if f.Name, err = w.name("a name such as redis-cache"); err != nil {
		return f, err
	}
	f.Percent, err = parsed(w, "a share from 1% to 100%", func(text string) (int, bool) {
		number, ok := strings.CutSuffix(text, "%")
		n, err := strconv.Atoi(number)
		return n, ok && err == nil && n >= 1 && n <= 100
	})
	return f, err
}

func readPath(w *words) (Path, error) {
	return parsed(w, "a path such as fanout-1<->gateway-1 or fanout-1->gateway-1", func(text string) (p Path, ok bool) {
		if p.From, p.To, ok = strings.Cut(text, "<->"); !ok {
			p.From, p.To, ok = strings.Cut(text, "->")
			p.OneWay = true
		}
		return p, ok && isName(p.From) && isName(p.To)
	})
}

// readWholePath reads a path of a fault that has no direction.
func readWholePath(w *words) (Path, error) {
	return parsed(w, "a path both ways such as fanout-1<->gateway-1", func(text string) (p Path, ok bool) {
		p.From, p.To, ok = strings.Cut(text, "<->")
		return p, ok && isName(p.From) && isName(p.To)
	})
}

func readLatency(w *words) (_ Fault, err error) {
	var f Latency
	if f.Path, err = readPath(w); err != nil {
		return f, err
	}
	if f.Delay, err = w.duration("a delay", 0); err != nil {
		return f, err
	}
	if len(w.rest) > 0 && w.rest[0].text == "jitter" {
		w.rest = w.rest[1:]
		f.Jitter, err = w.duration("a jitter", 1)
	}
	return f, err
}

func readBandwidth(w *words) (_ Fault, err error) {
	var f Bandwidth
	if f.Path, err = readWholePath(w); err != nil {
		return f, err
	}
	f.BytesPerSecond, err = parsed(w, "a rate such as 64KB/s", func(text string) (int64, bool) {
		number, ok := strings.CutSuffix(text, "/s")
		n, valid := parseSize(number)
		return n, ok && valid
	})
	return f, err
}
