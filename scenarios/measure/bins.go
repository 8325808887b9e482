package measure

// maxBins bounds a timeline; one that gets longer doubles its step.
const maxBins = 600

// bins holds a T for each step of a timeline.
type bins[T any] struct{ all []T }

func (b *bins[T]) at(i int) *T {
	if i >= len(b.all) {
		b.all = append(b.all, make([]T, i+1-len(b.all))...)
	}
	return &b.all[i]
}

// fold makes one bin of each two.
func (b *bins[T]) fold(join func(T, T) T) {
	for i := range b.all {
		if i%2 == 0 {
			b.all[i/2] = b.all[i]
		} else {
			b.all[i/2] = join(b.all[i/2], b.all[i])
		}
	}
	b.all = b.all[:(len(b.all)+1)/2]
}

// mean is a running mean.
type mean struct {
	sum float64
	n   int64
}

func (m mean) join(o mean) mean { return mean{m.sum + o.sum, m.n + o.n} }
