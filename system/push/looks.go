package push

// looks is a heap of holds, the one to be looked at first on top.
type looks []*hold

func (q looks) Len() int           { return len(q) }
func (q looks) Less(i, j int) bool { return q[i].next.Before(q[j].next) }
func (q looks) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].index, q[j].index = i, j }
func (q *looks) Push(x any)        { h := x.(*hold); h.index = len(*q); *q = append(*q, h) }
func (q *looks) Pop() any {
	old := *q
	h := old[len(old)-1]
	*q = old[:len(old)-1]
	return h
}
