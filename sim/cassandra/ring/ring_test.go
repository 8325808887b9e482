package ring

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTokenIsCassandras(t *testing.T) {
	for key, token := range map[string]int64{
		"123": -7468325962851647638,
		strings.Repeat("\x00\xff\x10\xfa\x99", 10): 5837342703291459765,
		strings.Repeat("\xfe", 8):                  -8927430733708461935,
		strings.Repeat("\x10", 8):                  1446172840243228796,
		"9223372036854775807":                      7162290910810015547,
	} {
		assert.Equal(t, token, Token([]byte(key)), "%q", key)
	}
}
