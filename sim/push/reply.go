package push

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Reply is a refusal as a provider words it.
type Reply struct {
	Provider   string
	Status     int
	Name       string        // FCM: errorCode; APNs: reason
	General    string        // FCM: the status of Google's own table
	Message    string        // FCM
	Field      string        // FCM: the field that is wrong
	RetryAfter time.Duration // 0: none is named
	Since      time.Time     // APNs: from when the token is not good
}

// FCM's refusals.
var (
	Unregistered    = Reply{Provider: FCM, Status: 404, Name: "UNREGISTERED", General: "NOT_FOUND", Message: "Requested entity was not found."}
	InvalidToken    = Reply{Provider: FCM, Status: 400, Name: "INVALID_ARGUMENT", General: "INVALID_ARGUMENT", Message: "The registration token is not a valid FCM registration token", Field: "message.token"}
	InvalidArgument = Reply{Provider: FCM, Status: 400, Name: "INVALID_ARGUMENT", General: "INVALID_ARGUMENT", Message: "Request contains an invalid argument.", Field: "message.data[0].value"}
	SenderMismatch  = Reply{Provider: FCM, Status: 403, Name: "SENDER_ID_MISMATCH", General: "PERMISSION_DENIED", Message: "SenderId mismatch"}
	QuotaExceeded   = Reply{Provider: FCM, Status: 429, Name: "QUOTA_EXCEEDED", General: "RESOURCE_EXHAUSTED", Message: "Quota exceeded for quota metric 'Messages sent'.", RetryAfter: time.Minute}
	Unavailable     = Reply{Provider: FCM, Status: 503, Name: "UNAVAILABLE", General: "UNAVAILABLE", Message: "The service is currently unavailable."}
	Internal        = Reply{Provider: FCM, Status: 500, Name: "INTERNAL", General: "INTERNAL", Message: "Internal error encountered."}
	Unauthenticated = Reply{Provider: FCM, Status: 401, General: "UNAUTHENTICATED", Message: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential."}
)

// APNs' refusals.
var (
	APNsUnregistered     = Reply{Provider: APNs, Status: 410, Name: "Unregistered"}
	BadDeviceToken       = Reply{Provider: APNs, Status: 400, Name: "BadDeviceToken"}
	DeviceTokenNotForApp = Reply{Provider: APNs, Status: 400, Name: "DeviceTokenNotForTopic"}
	BadTopic             = Reply{Provider: APNs, Status: 400, Name: "BadTopic"}
	BadCollapseID        = Reply{Provider: APNs, Status: 400, Name: "BadCollapseId"}
	BadPriority          = Reply{Provider: APNs, Status: 400, Name: "BadPriority"}
	BadExpirationDate    = Reply{Provider: APNs, Status: 400, Name: "BadExpirationDate"}
	InvalidPushType      = Reply{Provider: APNs, Status: 400, Name: "InvalidPushType"}
	PayloadEmpty         = Reply{Provider: APNs, Status: 400, Name: "PayloadEmpty"}
	PayloadTooLarge      = Reply{Provider: APNs, Status: 413, Name: "PayloadTooLarge"}
	MissingProviderToken = Reply{Provider: APNs, Status: 403, Name: "MissingProviderToken"}
	InvalidProviderToken = Reply{Provider: APNs, Status: 403, Name: "InvalidProviderToken"}
	ExpiredProviderToken = Reply{Provider: APNs, Status: 403, Name: "ExpiredProviderToken"}
	TooManyRequests      = Reply{Provider: APNs, Status: 429, Name: "TooManyRequests"}
	APNsInternal         = Reply{Provider: APNs, Status: 500, Name: "InternalServerError"}
	APNsUnavailable      = Reply{Provider: APNs, Status: 503, Name: "ServiceUnavailable"}
)

// After is the same refusal with a time to repeat.
func (r Reply) After(d time.Duration) Reply { r.RetryAfter = d; return r }

func (r Reply) label() string {
	if r.Name != "" {
		return r.Name
	}
	return r.General
}

func (r Reply) write(w http.ResponseWriter, now time.Time) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((r.RetryAfter+time.Second-1)/time.Second)))
	}
	if r.Provider == APNs {
		body := map[string]any{"reason": r.Name}
		if r.Status == http.StatusGone {
			since := r.Since
			if since.IsZero() {
				since = now
			}
			body["timestamp"] = since.UnixMilli()
		}
		writeJSON(w, r.Status, body)
		return
	}
	details := []map[string]any{}
	if r.Name != "" {
		details = append(details, map[string]any{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": r.Name})
	}
	if r.Field != "" {
		details = append(details, map[string]any{
			"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": []map[string]string{{"field": r.Field, "description": r.Message}},
		})
	}
	writeJSON(w, r.Status, map[string]any{"error": map[string]any{"code": r.Status, "message": r.Message, "status": r.General, "details": details}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away
}
