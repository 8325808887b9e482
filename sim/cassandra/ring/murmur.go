package ring

import (
	"encoding/binary"
	"math/bits"
)

// Token is the place of a partition key on the ring: Cassandra's Murmur3Partitioner, that is the first half of
// MurmurHash3 x64 128 with the tail's bytes taken as signed.
func Token(key []byte) int64 {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	var h1, h2 uint64
	n := uint64(len(key))
	for ; len(key) >= 16; key = key[16:] {
		h1 ^= mix(binary.LittleEndian.Uint64(key), c1, c2, 31)
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= mix(binary.LittleEndian.Uint64(key[8:]), c2, c1, 33)
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	if len(key) > 8 {
		h2 ^= mix(signed(key[8:]), c2, c1, 33)
	}
	h1 ^= mix(signed(key[:min(8, len(key))]), c1, c2, 31)
	h1, h2 = h1^n, h2^n
	h1 += h2
	h2 += h1
	return int64(finish(h1) + finish(h2))
}

func mix(k, a, b uint64, rotate int) uint64 { return bits.RotateLeft64(k*a, rotate) * b }

// signed reads up to eight bytes, the lowest first, each with its sign.
func signed(b []byte) (k uint64) {
	for i, c := range b {
		k ^= uint64(int8(c)) << (8 * i)
	}
	return k
}

func finish(k uint64) uint64 {
	k = (k ^ k>>33) * 0xff51afd7ed558ccd
	k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}
