// Package redis runs a Redis server inside the process, over Redis' wire protocol, that can be killed, emptied and restarted.
package redis

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"slices"
	"sync"

	"github.com/alicebob/miniredis/v2"

	"github.com/chatlab/chatlab/chaos/port"
)

// Config describes a server. The zero value listens on a free port of 127.0.0.1.
type Config struct {
	// Address is where to listen; it stays the same through Kill and Restart.
	Address string
	// Listen opens the listener; nil means real TCP.
	Listen func(network, address string) (net.Listener, error)
	// Log gets debug lines about kills and restarts; nil means silence.
	Log *slog.Logger
}

// Server is a running Redis. Its TIME and its expiries follow package time, in a synctest bubble too. It evicts only when it is told to, and never persists.
type Server struct {
	port    *port.Port
	log     *slog.Logger
	serving sync.WaitGroup

	mu     sync.Mutex
	store  *store // never nil; the one that new connections get
	closed bool
}

// New runs an empty server.
func New(config Config) (*Server, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	opened, err := port.Open(port.Config{Address: config.Address, Listen: config.Listen})
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	s := &Server{port: opened, log: config.Log.With("redis", opened.Address())}
	if s.store, err = newStore(); err != nil {
		_ = opened.Close()
		return nil, fmt.Errorf("start redis: %w", err)
	}
	s.serving.Go(s.serve)
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.port.Address() }

// Kill ends the server as SIGKILL does: its listener and all connections are closed at once. With lose it restarts empty,
// scripts included, as a Redis without persistence does; else with everything, as one with an append-only file does.
func (s *Server) Kill(lose bool) error {
	s.port.Down()
	s.log.Debug("killed", "lose", lose)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if !lose {
		return nil
	}
	empty, err := newStore()
	if err != nil {
		return fmt.Errorf("empty redis: %w", err)
	}
	s.store.close()
	s.store = empty
	return nil
}

// Restart listens again at the same address. Time that passed meanwhile counts for expiries.
func (s *Server) Restart() error {
	if err := s.port.Up(); err != nil {
		return fmt.Errorf("restart redis: %w", err)
	}
	s.log.Debug("restarted")
	return nil
}

// Freeze makes the server accept and never answer, as SIGSTOP does, until Thaw or Kill.
func (s *Server) Freeze() { s.port.Freeze() }

// Thaw ends a freeze: what was asked meanwhile is answered.
func (s *Server) Thaw() { s.port.Thaw() }

// Evict drops a share of the keys, rounded up, in an order that has nothing to do with their names; everything at 100 percent.
func (s *Server) Evict(percent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.store.redis.Keys()
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(scatter(a), scatter(b)) })
	for _, k := range keys[:(len(keys)*percent+99)/100] {
		s.store.redis.Del(k)
	}
}

func scatter(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()
}

// Commands counts the commands that were executed since the start or the last loss of data.
func (s *Server) Commands() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.redis.CommandCount()
}

// Close ends the server and returns when its goroutines have ended.
func (s *Server) Close() error {
	err := s.port.Close()
	s.serving.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.store.close()
	}
	return err
}

func (s *Server) serve() {
	for {
		conn, err := s.port.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.store.serve(conn)
		s.mu.Unlock()
	}
}

var errClosed = errors.New("redis is closed")

// store is one life's data.
type store struct {
	redis *miniredis.Miniredis
	clock *clock
}

// newStore makes an empty miniredis without a listener: connections are handed to it.
func newStore() (*store, error) {
	redis := miniredis.NewMiniRedis()
	conn, err := redis.Dial() // starts it
	if err != nil {
		return nil, err
	}
	_ = conn.Close()
	return &store{redis: redis, clock: newClock(redis.FastForward)}, nil
}

func (s *store) serve(conn net.Conn) {
	s.redis.Server().ServeConn(&ticking{Conn: conn, clock: s.clock})
}

func (s *store) close() { s.redis.Close() }
