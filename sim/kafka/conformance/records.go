package conformance

import (
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
)

func writeTellsPlace(s *suite) {
	messages, values := numbered("conversation", 10)
	for i, placed := range s.write(messages...) {
		require.Equal(s, partitionOf("conversation"), placed.Partition)
		require.EqualValues(s, i, placed.Offset)
	}
	require.Equal(s, values, s.read(partitionOf("conversation"), 0, 10))
	more, _ := numbered("conversation", 1)
	require.EqualValues(s, 10, s.write(more...)[0].Offset)
}

func keyMapsToPartition(s *suite) {
	for i := range 20 {
		key := fmt.Sprintf("key-%d", i)
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(key))
		stated := int(int32(hash.Sum32())) % partitions
		if stated < 0 {
			stated = -stated
		}
		require.Equal(s, stated, partitionOf(key))
		require.Equal(s, stated, s.write(kafka.Message{Key: []byte(key), Value: []byte("x")})[0].Partition)
	}
}

func keyKeepsOrder(s *suite) {
	w := s.writer(nil)
	want := map[string][]string{}
	for i := range 200 {
		key := fmt.Sprintf("key-%d", i%5)
		value := fmt.Sprintf("%s-%d", key, i)
		want[key] = append(want[key], value)
		require.NoError(s, w.WriteMessages(s.ctx, kafka.Message{Key: []byte(key), Value: []byte(value)}))
	}
	got := map[string][]string{}
	for partition := range partitions {
		r := s.reader(partition, 0)
		for range s.ends()[partition] {
			m, err := r.ReadMessage(s.ctx)
			require.NoError(s, err)
			got[string(m.Key)] = append(got[string(m.Key)], string(m.Value))
		}
	}
	require.Equal(s, want, got)
}

func concurrentWritesStay(s *suite) {
	w := s.writer(nil)
	var writers sync.WaitGroup
	for i := range 50 {
		writers.Go(func() {
			for n := range 4 {
				if err := w.WriteMessages(s.ctx, kafka.Message{Key: fmt.Append(nil, i), Value: fmt.Append(nil, n)}); err != nil {
					s.Error(err)
				}
			}
		})
	}
	writers.Wait()
	var total int64
	for _, end := range s.ends() {
		total += end
	}
	require.EqualValues(s, 200, total)
}

func recordComesBack(s *suite) {
	sent := kafka.Message{
		Key:     []byte("key"),
		Value:   []byte("value \x00 ünïcode"),
		Headers: []kafka.Header{{Key: "traceparent", Value: []byte("00-1-2-01")}, {Key: "empty", Value: []byte{}}, {Key: "traceparent", Value: []byte("again")}},
		Time:    time.UnixMilli(1_700_000_000_123),
	}
	s.write(sent)
	got, err := s.reader(partitionOf("key"), 0).ReadMessage(s.ctx)
	require.NoError(s, err)
	require.Equal(s, sent.Key, got.Key)
	require.Equal(s, sent.Value, got.Value)
	require.Equal(s, sent.Time.UnixMilli(), got.Time.UnixMilli())
	require.Equal(s, s.topic, got.Topic)
	require.Len(s, got.Headers, 3)
	for i, header := range sent.Headers {
		require.Equal(s, header.Key, got.Headers[i].Key)
		require.Equal(s, string(header.Value), string(got.Headers[i].Value))
	}
}

func readFromOffset(s *suite) {
	messages, values := numbered("k", 20)
	s.write(messages...)
	for _, offset := range []int64{0, 7, 19} {
		require.Equal(s, values[offset:], s.read(partitionOf("k"), offset, 20-int(offset)))
	}
}

func readerFollows(s *suite) {
	r := s.reader(partitionOf("k"), kafka.LastOffset)
	first := make(chan string, 1)
	go func() {
		m, _ := r.ReadMessage(s.ctx)
		first <- string(m.Value)
	}()
	w := s.writer(nil)
	for n := 0; ; n++ { // the reader may look up the end late: write until it gets something
		require.NoError(s, w.WriteMessages(s.ctx, kafka.Message{Key: []byte("k"), Value: fmt.Append(nil, n)}))
		pause := time.NewTimer(50 * time.Millisecond)
		select {
		case got := <-first:
			pause.Stop()
			require.NotEmpty(s, got)
			s.promptly(r, w, n)
			return
		case <-pause.C:
		case <-s.ctx.Done():
			require.FailNow(s, "the reader gets nothing")
		}
	}
}

// promptly expects a record to reach a waiting reader long before the reader's own wait of 100 ms has been used up many times.
func (s *suite) promptly(r *kafka.Reader, w *kafka.Writer, written int) {
	start := time.Now()
	require.NoError(s, w.WriteMessages(s.ctx, kafka.Message{Key: []byte("k"), Value: []byte("last")}))
	for range written + 2 {
		m, err := r.ReadMessage(s.ctx)
		require.NoError(s, err)
		if string(m.Value) == "last" {
			break
		}
	}
	require.Less(s, time.Since(start), time.Second)
}

// ends is the end offset of each partition.
func (s *suite) ends() []int64 {
	listed, err := s.listOffsets()
	require.NoError(s, err)
	ends := make([]int64, partitions)
	for _, p := range listed {
		ends[p.Partition] = p.LastOffset
	}
	return ends
}

func (s *suite) listOffsets() ([]kafka.PartitionOffsets, error) {
	var ask []kafka.OffsetRequest
	for p := range partitions {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	response, err := s.client.ListOffsets(s.ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{s.topic: ask}})
	if err != nil {
		return nil, err
	}
	for _, p := range response.Topics[s.topic] {
		if p.Error != nil {
			return nil, p.Error
		}
	}
	return response.Topics[s.topic], nil
}

func offsetsAreListed(s *suite) {
	require.Equal(s, make([]int64, partitions), s.ends())
	messages, _ := numbered("k", 13)
	s.write(messages...)
	want := make([]int64, partitions)
	want[partitionOf("k")] = 13
	require.Equal(s, want, s.ends())
	listed, err := s.listOffsets()
	require.NoError(s, err)
	require.Len(s, listed, partitions)
	for _, p := range listed {
		require.Zero(s, p.FirstOffset)
	}
}
