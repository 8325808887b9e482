package push

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxPayload is what both providers take, in bytes.
const maxPayload = 4096

func (s *Server) refuse(w http.ResponseWriter, r Reply) {
	s.mu.Lock()
	s.requests[r.Provider+" "+r.label()]++
	s.mu.Unlock()
	r.write(w, s.cfg.Now())
}

func (s *Server) takeFCM(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 2*maxPayload))
	switch {
	case err != nil:
		s.refuse(w, InvalidArgument)
		return
	case !s.accessAllowed(r.Header.Get("Authorization")):
		s.refuse(w, Unauthenticated)
		return
	case r.PathValue("project") != Project:
		s.refuse(w, Reply{Provider: FCM, Status: 403, General: "PERMISSION_DENIED", Message: "Permission denied on resource project"})
		return
	}
	n, wrong, ok := s.readFCM(body)
	if ok {
		wrong, ok = unless(s.scripted(FCM, n.Token))
	}
	if !ok {
		s.refuse(w, wrong)
		return
	}
	s.take(n)
	writeJSON(w, http.StatusOK, map[string]string{"name": "projects/" + Project + "/messages/0:" + strconv.FormatInt(n.At.UnixNano(), 10)})
}

func unless(r Reply, scripted bool) (Reply, bool) { return r, !scripted }

func (s *Server) readFCM(body []byte) (n Notification, wrong Reply, ok bool) {
	var in struct {
		Message struct {
			Token   string            `json:"token"`
			Data    map[string]string `json:"data"`
			Android struct {
				CollapseKey  string         `json:"collapse_key"`
				Priority     string         `json:"priority"`
				TTL          string         `json:"ttl"`
				Notification map[string]any `json:"notification"`
			} `json:"android"`
		} `json:"message"`
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	m := &in.Message
	if err := d.Decode(&in); err != nil || len(body) > maxPayload || m.Android.Priority != "HIGH" {
		return n, InvalidArgument, false
	}
	ttl, err := time.ParseDuration(m.Android.TTL)
	if err != nil || ttl <= 0 {
		return n, InvalidArgument, false
	}
	if m.Token == "" {
		return n, InvalidToken, false
	}
	unread, _ := strconv.Atoi(m.Data["unread"])
	now := s.cfg.Now()
	return Notification{
		Provider: FCM, Token: m.Token, CollapseKey: m.Android.CollapseKey, Conversation: m.Data["conversation_id"],
		Sender: m.Data["sender_id"], Unread: unread, Expires: now.Add(ttl), At: now, Body: string(body),
	}, Reply{}, true
}

func (s *Server) takeAPNs(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 2*maxPayload))
	if err != nil {
		s.refuse(w, APNsInternal)
		return
	}
	n, wrong, ok := s.readAPNs(r, body)
	if ok {
		wrong, ok = unless(s.scripted(APNs, n.Token))
	}
	if !ok {
		s.refuse(w, wrong)
		return
	}
	s.take(n)
	w.Header().Set("apns-id", strconv.FormatInt(n.At.UnixNano(), 16))
}

func (s *Server) readAPNs(r *http.Request, body []byte) (n Notification, wrong Reply, ok bool) {
	if wrong, ok := s.checkProvider(r.Header.Get("authorization")); !ok {
		return n, wrong, false
	}
	expires, err := strconv.ParseInt(r.Header.Get("apns-expiration"), 10, 64)
	token := r.PathValue("token")
	switch {
	case strings.ContainsFunc(token, func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", c) }):
		return n, BadDeviceToken, false
	case r.Header.Get("apns-topic") != Topic:
		return n, BadTopic, false
	case r.Header.Get("apns-push-type") != "alert":
		return n, InvalidPushType, false
	case r.Header.Get("apns-priority") != "10":
		return n, BadPriority, false
	case len(r.Header.Get("apns-collapse-id")) > 64:
		return n, BadCollapseID, false
	case err != nil:
		return n, BadExpirationDate, false
	case len(body) > maxPayload:
		return n, PayloadTooLarge, false
	}
	var in struct {
		APS          json.RawMessage `json:"aps"`
		Conversation string          `json:"conversation_id"`
		Sender       string          `json:"sender_id"`
		Unread       int             `json:"unread"`
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.APS) == 0 {
		return n, PayloadEmpty, false
	}
	return Notification{
		Provider: APNs, Token: token, CollapseKey: r.Header.Get("apns-collapse-id"), Conversation: in.Conversation, Sender: in.Sender,
		Unread: in.Unread, Expires: time.Unix(expires, 0), At: s.cfg.Now(), Body: string(body),
	}, Reply{}, true
}
