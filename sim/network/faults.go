package network

import (
	"slices"
	"syscall"
)

// Cut loses everything that one host sends to another: bytes are held inside living connections, requests to connect (and their answers)
// get lost. Heal delivers what is held.
func (n *Network) Cut(from, to string) { n.setCut(from, to, true) }

// Partition cuts two hosts from each other both ways.
func (n *Network) Partition(a, b string) {
	n.Cut(a, b)
	n.Cut(b, a)
}

// Heal undoes Cut and Partition between two hosts, both ways.
func (n *Network) Heal(a, b string) {
	n.setCut(a, b, false)
	n.setCut(b, a, false)
}

// HealAll undoes every Cut and Partition.
func (n *Network) HealAll() {
	n.mu.Lock()
	for _, r := range n.routes {
		r.cut.Store(false)
	}
	n.mu.Unlock()
	n.each(nil, (*link).release)
}

func (n *Network) setCut(from, to string, cut bool) {
	a, b := n.Host(from), n.Host(to)
	n.mu.Lock()
	n.route(a, b).cut.Store(cut && a != b)
	n.mu.Unlock()
	if !cut {
		n.each(func(l *link) bool { return l.joins(a) && l.joins(b) }, (*link).release)
	}
}

// Reset breaks every connection between two hosts at both ends at once, and returns how many there were.
func (n *Network) Reset(a, b string) int {
	first, second := n.Host(a), n.Host(b)
	return n.each(func(l *link) bool { return l.joins(first) && l.joins(second) }, (*link).reset)
}

// Crash ends everything on a host: its listeners close, its connections break, and it can neither listen nor dial until Restart.
// The other ends learn of it by a reset, which a cut holds as it holds everything.
func (n *Network) Crash(name string) {
	host := n.Host(name)
	n.mu.Lock()
	host.down = true
	var listeners []*Listener
	for _, l := range n.listeners {
		if l.host == host {
			listeners = append(listeners, l)
		}
	}
	n.mu.Unlock()
	slices.SortFunc(listeners, func(a, b *Listener) int { return a.address.Port - b.address.Port })
	for _, l := range listeners {
		_ = l.Close()
	}
	n.each(func(l *link) bool { return l.joins(host) }, func(l *link) { l.crash(host) })
}

// Restart lets a crashed host listen and dial again.
func (n *Network) Restart(name string) {
	host := n.Host(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	host.down = false
}

// Living is how many connections are open at one end at least.
func (n *Network) Living() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.links)
}

// each does something to the links that match, in the order in which they were made.
func (n *Network) each(match func(*link) bool, do func(*link)) int {
	n.mu.Lock()
	var links []*link
	for l := range n.links {
		if match == nil || match(l) {
			links = append(links, l)
		}
	}
	n.mu.Unlock()
	slices.SortFunc(links, (*link).compare)
	for _, l := range links {
		do(l)
		l.forget()
	}
	return len(links)
}

// reset breaks both ends.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range l.ends {
		end.breakOff(syscall.ECONNRESET)
	}
}

// crash breaks the ends on a host, and resets the others.
func (l *link) crash(host *Host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range l.ends {
		if end.out.from == host && end.broken == nil && !end.closed {
			end.send(parcel{kind: rst})
			end.breakOff(syscall.ECONNABORTED)
		}
	}
}

// release delivers what a cut held.
func (l *link) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range l.ends {
		end.land()
	}
}
