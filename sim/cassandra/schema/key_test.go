package schema

import (
	"bytes"
	"testing"

	"github.com/datastax/go-cassandra-native-protocol/datatype"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestKeysOrderTexts holds keys of two columns against the order of the values, both ways.
func TestKeysOrderTexts(t *testing.T) {
	value := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 0xfe, 0xff}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c, d := value.Draw(t, "a"), value.Draw(t, "b"), value.Draw(t, "c"), value.Draw(t, "d")
		for _, descending := range []bool{false, true} {
			key := func(first, second []byte) []byte {
				return AppendKey(AppendKey(nil, datatype.Blob, first, descending), datatype.Blob, second, false)
			}
			want := bytes.Compare(a, b)
			if descending {
				want = -want
			}
			if want == 0 {
				want = bytes.Compare(c, d)
			}
			require.Equal(t, want, bytes.Compare(key(a, c), key(b, d)))
		}
	})
}

func TestAfter(t *testing.T) {
	for prefix, want := range map[string][]byte{
		"": nil, "\xff\xff": nil, "a": []byte("b"), "a\xff": []byte("b"), "\xfe\xff\xff": {0xff}, "\x7f\xfe": {0x7f, 0xff},
	} {
		require.Equal(t, want, After([]byte(prefix)), "%q", prefix)
	}
	rapid.Check(t, func(t *rapid.T) {
		bytesOf := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0x7f, 0xfe, 0xff}), 0, 4)
		prefix, key := bytesOf.Draw(t, "prefix"), bytesOf.Draw(t, "key")
		after := After(prefix)
		below := after == nil || bytes.Compare(key, after) < 0
		require.Equal(t, bytes.HasPrefix(key, prefix) || bytes.Compare(key, prefix) < 0, below)
	})
}
