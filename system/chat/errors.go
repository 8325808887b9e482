package chat

import (
	"errors"
	"fmt"
	"time"
)

// Code is the stable name of a refusal, the same in frames, REST problems and between processes.
type Code string

// The refusals. Retry says in the table below what the caller does next.
const (
	CodeBadRequest      Code = "bad_request"
	CodeBadFrame        Code = "bad_frame"
	CodeTooLarge        Code = "too_large"
	CodeTokenMissing    Code = "token_missing"
	CodeTokenInvalid    Code = "token_invalid"
	CodeTokenExpired    Code = "token_expired"
	CodeNotMember       Code = "not_member"
	CodeNotContact      Code = "not_contact"
	CodeNotFound        Code = "not_found"
	CodeMethodNotAllow  Code = "method_not_allowed"
	CodeUnsupportedType Code = "unsupported_media_type"
	CodeTooManyMembers  Code = "too_many_members"
	CodeStaleSend       Code = "stale_send"
	CodeModerated       Code = "moderated"
	CodeUserLimit       Code = "user_rate_limited"
	CodeGroupLimit      Code = "group_rate_limited"
	CodeServerLimit     Code = "server_rate_limited"
	CodeSessionLimit    Code = "session_rate_limited"
	CodeAddressLimit    Code = "address_rate_limited"
	CodeUnavailable     Code = "unavailable"
	CodeUnknownOutcome  Code = "unknown_outcome"
	CodeInternal        Code = "internal"
)

// CodeInfo is a row of the table of refusals.
type CodeInfo struct {
	Code   Code
	Status int    // HTTP
	Retry  string // what the caller does next
}

// Codes is the table of refusals that documents show and tests walk.
func Codes() []CodeInfo {
	return []CodeInfo{
		{CodeBadRequest, 400, "never: mend the request"},
		{CodeBadFrame, 400, "never: mend the frame"},
		{CodeTooLarge, 413, "never: send less"},
		{CodeTokenMissing, 401, "with a token"},
		{CodeTokenInvalid, 401, "with another token"},
		{CodeTokenExpired, 401, "with a new token"},
		{CodeNotMember, 403, "never, unless somebody adds the user"},
		{CodeNotContact, 403, "never, unless a conversation of at most 50 members joins the two"},
		{CodeNotFound, 404, "never: no such resource"},
		{CodeMethodNotAllow, 405, "never: see the Allow header"},
		{CodeUnsupportedType, 415, "never: send application/json"},
		{CodeTooManyMembers, 422, "never: a group is full at 500"},
		{CodeStaleSend, 410, "never under this client_msg_id: look into history whether it arrived"},
		{CodeModerated, 422, "never: moderation refuses this text"},
		{CodeUserLimit, 429, "after retry_after_ms"},
		{CodeGroupLimit, 429, "after retry_after_ms"},
		{CodeServerLimit, 429, "after retry_after_ms"},
		{CodeSessionLimit, 429, "after retry_after_ms: this session sends frames too fast"},
		{CodeAddressLimit, 429, "after retry_after_ms: this address asks too often"},
		{CodeUnavailable, 503, "after retry_after_ms, nothing was done"},
		{CodeUnknownOutcome, 504, "under the same client_msg_id: it may or may not have been done"},
		{CodeInternal, 500, "under the same client_msg_id"},
	}
}

// Status returns the HTTP status of a code; 500 for one that is not in the table.
func (c Code) Status() int {
	for _, i := range Codes() {
		if i.Code == c {
			return i.Status
		}
	}
	return 500
}

// Retryable says whether the same may succeed later that was refused with this code.
func (c Code) Retryable() bool {
	switch c {
	case CodeUserLimit, CodeGroupLimit, CodeServerLimit, CodeSessionLimit, CodeAddressLimit,
		CodeUnavailable, CodeUnknownOutcome, CodeInternal, CodeTokenExpired:
		return true
	}
	return false
}

// Error is a refusal that reaches the user.
type Error struct {
	Code       Code
	Message    string
	RetryAfter time.Duration // 0: see the code's row
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Errorf makes a refusal.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// NotMember refuses a stranger. A conversation that does not exist refuses in the same words, so that nobody learns which
// ones do.
func NotMember(conversation ID) *Error {
	return Errorf(CodeNotMember, "user is not a member of conversation %s", conversation)
}

// After adds when to retry.
func (e *Error) After(d time.Duration) *Error { e.RetryAfter = d; return e }

// AsError finds the refusal in err; an error that is none becomes CodeInternal without its text, which may hold secrets.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: "internal error"}
}
