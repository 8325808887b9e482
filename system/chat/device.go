package chat

import (
	"strings"
	"unicode"
)

// Push providers.
const (
	ProviderFCM  = "fcm"
	ProviderAPNs = "apns"
)

// PushDevice is where a device takes notifications.
type PushDevice struct {
	User     ID
	Device   string
	Provider string
	Token    string
}

// Validate refuses a device that could not be notified.
func (d PushDevice) Validate() error {
	if err := ValidateDevice(d.Device); err != nil {
		return err
	}
	switch {
	case d.User == ID{}:
		return Errorf(CodeBadRequest, "a device needs its user")
	case d.Provider != ProviderFCM && d.Provider != ProviderAPNs:
		return Errorf(CodeBadRequest, "provider %q is unknown: want %q or %q", clip(d.Provider, 20), ProviderFCM, ProviderAPNs)
	case d.Token == "" || len(d.Token) > MaxPushToken || strings.ContainsFunc(d.Token, notInToken):
		return Errorf(CodeBadRequest, "token: want 1 to %d printable ASCII characters without spaces", MaxPushToken)
	case d.Provider == ProviderAPNs && strings.ContainsFunc(d.Token, notHex):
		return Errorf(CodeBadRequest, "token: an APNs device token is written in hexadecimal")
	}
	return nil
}

// notInToken keeps what could change a request out of it: an APNs token becomes part of a path.
func notInToken(r rune) bool { return r <= ' ' || r > '~' }

func notHex(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) }

// ValidateDevice refuses a name that no device may have.
func ValidateDevice(name string) error {
	if name == "" || len(name) > MaxDeviceName || strings.ContainsFunc(name, unicode.IsControl) {
		return Errorf(CodeBadRequest, "device: want a name of 1 to %d bytes without control characters", MaxDeviceName)
	}
	return nil
}
