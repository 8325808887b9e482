package chaos

import "strings"

// Kind is one kind of fault: how it is written, what it does, and how it is undone. The parser and docs/FAULTS.md are made of it.
type Kind struct {
	Verb    string
	Form    string // what follows the verb
	Example string
	On      string // what it acts on
	Does    string
	Undo    string
	Ends    string // why nobody says for how long; empty for one that goes on until it is undone
	read    func(*words) (Fault, error)
}

const (
	processes = "pod or node"
	links     = "links"
	once      = "this happens once"
)

// Kinds lists them.
func Kinds() []Kind {
	return append(kindsOfProcesses(), kindsOfLinks()...)
}

func kindsOfProcesses() []Kind {
	return []Kind{
		{Verb: "kill", Form: "NAME", Example: "at 2s kill gateway-1 for 3s", On: processes,
			Does: "ends it at once (SIGKILL)", Undo: "started again",
			read: named(func(name string) Fault { return Kill{name} })},
		{Verb: "stop", Form: "NAME", Example: "at 2s stop kafka-1 for 3s", On: processes,
			Does: "ends it in order (SIGTERM)", Undo: "started again",
			read: named(func(name string) Fault { return Stop{name} })},
		{Verb: "restart", Form: "NAME", Example: "at 5s restart gateway-1", On: processes, Ends: once,
			Does: "brings back what was ended, or kills and starts", Undo: "started again, should that have failed",
			read: named(func(name string) Fault { return Restart{name} })},
		{Verb: "drain", Form: "NAME over TIME", Example: "at 3s drain gateway-1 over 5s", On: "gateway", Ends: "this ends by itself",
			Does: "lets its sockets go, as a deploy does, and ends", Undo: "replaced when the time is over",
			read: readDrain},
		{Verb: "freeze", Form: "NAME", Example: "when lag > 100 freeze kafka-2 for 10s", On: processes,
			Does: "stops it (SIGSTOP): dials succeed, nothing answers", Undo: "goes on (SIGCONT)",
			read: named(func(name string) Fault { return Freeze{name} })},
		{Verb: "skew", Form: "NAME TIME", Example: "at 2s skew message-1 -500ms for 5s", On: "pod",
			Does: "sets its wall clock wrong by so much, while it runs", Undo: "set right",
			read: readSkew},
		{Verb: "memory", Form: "NAME SIZE", Example: "at 2s memory gateway-1 64MB for 10s", On: "pod",
			Does: "kills it when it is seen to hold more, resident, every 20 ms", Undo: "limit lifted, started again",
			read: readMemory},
		{Verb: "evict", Form: "NAME SHARE", Example: "at 2s evict redis-cache 50%", On: "Redis", Ends: once,
			Does: "drops that share of its keys; 100% flushes it", Undo: "nothing: a cache fills again",
			read: readEvict},
	}
}

func kindsOfLinks() []Kind {
	return []Kind{
		{Verb: "cut", Form: "PATH", Example: "at 5s cut message-1->kafka-2 for 5s", On: links,
			Does: "holds every byte, dials hang", Undo: "what was held is delivered",
			read: func(w *words) (Fault, error) { p, err := readPath(w); return Cut{p}, err }},
		{Verb: "latency", Form: "PATH TIME [jitter TIME]", Example: "at 0s latency fanout-*<->gateway-* 1ms jitter 500µs", On: links,
			Does: "delays every byte, by up to the jitter more", Undo: "lifted",
			read: readLatency},
		{Verb: "bandwidth", Form: "PATH RATE", Example: "at 0s bandwidth gateway-1<->clients 64KB/s", On: links,
			Does: "limits each link, its connections together", Undo: "lifted",
			read: readBandwidth},
		{Verb: "refuse", Form: "PATH", Example: "at 5s refuse fanout-1<->redis-presence for 5s", On: links,
			Does: "resets connections and refuses dials", Undo: "dials succeed",
			read: func(w *words) (Fault, error) { p, err := readWholePath(w); return Refuse{p}, err }},
		{Verb: "reset", Form: "PATH", Example: "at 5s reset *<->kafka-1", On: links, Ends: once,
			Does: "loses the connections that live", Undo: "nothing: dials succeed all the time",
			read: func(w *words) (Fault, error) { p, err := readWholePath(w); return Reset{p}, err }},
	}
}

func kindOf(verb string) Kind {
	for _, k := range Kinds() {
		if k.Verb == verb {
			return k
		}
	}
	return Kind{}
}

// verb is the first word of a fault's text form.
func verb(f Fault) string {
	first, _, _ := strings.Cut(f.String(), " ")
	return first
}
