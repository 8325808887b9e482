package push

// rated makes every n-th request to a provider fail.
type rated struct {
	every int
	seen  int
	reply Reply
}

// Script makes the next requests for a device token end so, one after the other; then they are taken again.
func (s *Server) Script(token string, replies ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[token] = append(s.scripts[token], replies...)
}

// Always makes every request for a device token end so, as that of an app that was removed. A reply without a status
// ends that.
func (s *Server) Always(token string, reply Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[token] = reply
}

// Every makes each n-th request to the reply's provider end so; 1: all of them, 0: none.
func (s *Server) Every(n int, reply Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rates[reply.Provider] = &rated{every: n, reply: reply}
}

// scripted says how a request has to end, if anything says so.
func (s *Server) scripted(provider, token string) (Reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.scripts[token]; len(list) > 0 {
		s.scripts[token] = list[1:]
		return list[0], true
	}
	if r := s.gone[token]; r.Status != 0 {
		return r, true
	}
	r := s.rates[provider]
	if r == nil || r.every == 0 {
		return Reply{}, false
	}
	r.seen++
	return r.reply, r.seen%r.every == 0
}
