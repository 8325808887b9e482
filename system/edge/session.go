package edge

import (
	"net/http"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
)

// ticketLife is how long a device has to open its socket.
const ticketLife = time.Minute

type sessionRequest struct {
	Device string `json:"device"`
	Avoid  string `json:"avoid"` // address of the gateway that let the device go or took it not
}

type sessionAnswer struct {
	Gateway         string    `json:"gateway"`
	GatewayURL      string    `json:"gateway_url"`
	Ticket          string    `json:"ticket"`
	TicketExpiresAt time.Time `json:"ticket_expires_at"`
	TokenExpiresAt  time.Time `json:"token_expires_at"` // of the user's token: the socket is good until then
	ServerTime      time.Time `json:"server_time"`
	HeartbeatMS     int64     `json:"heartbeat_interval_ms"`
	Epoch           int64     `json:"epoch"`
}

// openSession sells a ticket for the gateway with the fewest connections.
func (e *Edge) openSession(r request) (int, any, error) {
	var in sessionRequest
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := chat.ValidateDevice(in.Device); err != nil {
		return 0, nil, err
	}
	g, err := e.gateways.assign(in.Avoid)
	if err != nil {
		return 0, nil, err
	}
	now := e.cfg.Now()
	t := token.Ticket{
		User: r.user.ID, Device: in.Device, Gateway: g.Name, Epoch: e.epochs.next(now),
		Expires: earlier(now.Add(ticketLife), r.user.Expires), UserExpires: r.user.Expires,
	}
	signed, err := e.cfg.Tickets.Ticket(t)
	if err != nil {
		return 0, nil, err
	}
	e.metrics.sessions.WithLabelValues(g.Name).Inc()
	return http.StatusCreated, sessionAnswer{
		Gateway: g.Public, GatewayURL: g.URL, Ticket: signed, TicketExpiresAt: t.Expires.UTC().Truncate(time.Second),
		TokenExpiresAt: t.UserExpires.UTC().Truncate(time.Second), ServerTime: now.UTC(), HeartbeatMS: e.cfg.Heartbeat.Milliseconds(), Epoch: t.Epoch,
	}, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
