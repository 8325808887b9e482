package ledger

import "math/bits"

// Bits is a set of small numbers.
type Bits []uint64

// Set adds a number and says whether it was there.
func (b *Bits) Set(i int32) (was bool) {
	word := int(i >> 6)
	if word >= len(*b) {
		*b = append(*b, make([]uint64, word+1-len(*b))...)
	}
	mask := uint64(1) << (i & 63)
	was = (*b)[word]&mask != 0
	(*b)[word] |= mask
	return was
}

// Has says whether a number is there.
func (b Bits) Has(i int32) bool { return int(i>>6) < len(b) && b[i>>6]&(1<<(i&63)) != 0 }

// Count is how many numbers are there.
func (b Bits) Count() (n int64) {
	for _, w := range b {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// Without visits the numbers of b that are not in c, in order.
func (b Bits) Without(c Bits, visit func(int32)) {
	for word, w := range b {
		if word < len(c) {
			w &^= c[word]
		}
		for ; w != 0; w &= w - 1 {
			visit(int32(word<<6 + bits.TrailingZeros64(w)))
		}
	}
}
