package deployment

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path"

	"github.com/chatlab/chatlab/chaos/relay"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/system/node"
)

// links holds a relay for every pair of ends that talk. Its addresses never change, so that a pod that comes back at
// another port is found by those who knew it.
type links struct {
	all   []*relay.Link
	names map[string]map[string]string // by the end that dials: announced address -> relay
	pods  map[string][]podLink         // by pod: the links that lead to it
	store map[string][]*relay.Link     // by announced address of a store: the links that lead to it

	direct bool              // devices dial pods themselves
	fixed  map[string]string // then: where a pod listens for them, by its name
}

type podLink struct {
	link   *relay.Link
	public bool
}

func newLinks(direct bool) *links {
	return &links{direct: direct, fixed: map[string]string{}, names: map[string]map[string]string{}, pods: map[string][]podLink{}, store: map[string][]*relay.Link{}}
}

// add makes a link on which from reaches what announces itself as announced.
func (l *links) add(from, to, announced, target string) (*relay.Link, error) {
	k, err := relay.New(relay.Config{From: from, To: to, Target: target})
	if err != nil {
		return nil, fmt.Errorf("make link %s->%s: %w", from, to, err)
	}
	l.all = append(l.all, k)
	if l.names[from] == nil {
		l.names[from] = map[string]string{}
	}
	l.names[from][announced] = k.Addr()
	return k, nil
}

func (l *links) addPod(from, to, announced string, isPublic bool) error {
	k, err := l.add(from, to, announced, "127.0.0.1:1") // nothing listens there until the pod tells where it is
	if err == nil {
		l.pods[to] = append(l.pods[to], podLink{k, isPublic})
	}
	return err
}

// build makes every link of a topology.
func (l *links) build(t scenarios.Topology, stores []Endpoint) error {
	for _, role := range node.Roles() {
		for _, pod := range podNames(role, t) {
			for _, other := range calls(role) {
				for _, to := range podNames(other, t) {
					if err := l.addPod(pod, to, rpc(to), false); err != nil {
						return err
					}
				}
			}
			if err := l.toStores(role, pod, stores); err != nil {
				return err
			}
		}
	}
	for _, role := range []string{node.Edge, node.Gateway} {
		for _, to := range podNames(role, t) {
			if err := l.toPublic(to); err != nil {
				return err
			}
		}
	}
	return nil
}

// toPublic makes the way from devices to a pod: a relay, or an address that the pod takes again whenever it starts.
func (l *links) toPublic(to string) error {
	if !l.direct {
		return l.addPod(clients, to, public(to), true)
	}
	address, err := freeAddress()
	if err != nil {
		return fmt.Errorf("find an address for %s: %w", to, err)
	}
	l.fixed[to] = address
	if l.names[clients] == nil {
		l.names[clients] = map[string]string{}
	}
	l.names[clients][public(to)] = address
	return nil
}

// freeAddress finds a port that no dial takes while its pod is away: kernels dial from higher ones.
func freeAddress() (string, error) {
	const lowest, highest, attempts = 10_000, 32_000, 100
	for n := 1; ; n++ {
		free, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(highest-lowest)))
		if err == nil {
			return free.Addr().String(), free.Close()
		}
		if n == attempts {
			return "", err
		}
	}
}

func (l *links) toStores(role, pod string, stores []Endpoint) error {
	for _, e := range stores {
		if !uses(role, e.Store) {
			continue
		}
		k, err := l.add(pod, e.Name, e.Announced, e.Address)
		if err != nil {
			return err
		}
		l.store[e.Announced] = append(l.store[e.Announced], k)
	}
	return nil
}

// storesAt leads every link to a store to where that now is.
func (l *links) storesAt(stores []Endpoint) {
	for _, e := range stores {
		for _, k := range l.store[e.Announced] {
			k.SetTarget(e.Address)
		}
	}
}

// podAt leads every link to a pod to where it now listens.
func (l *links) podAt(a node.Addresses) {
	for _, p := range l.pods[a.Name] {
		if p.public {
			p.link.SetTarget(a.Public)
		} else {
			p.link.SetTarget(a.RPC)
		}
	}
}

// between lists the links whose ends match two patterns such as fanout-*.
func (l *links) between(from, to string) (out []*relay.Link) {
	for _, k := range l.all {
		a, _ := path.Match(from, k.From)
		b, _ := path.Match(to, k.To)
		if a && b {
			out = append(out, k)
		}
	}
	return out
}

func (l *links) close() {
	for _, k := range l.all {
		_ = k.Close()
	}
}
