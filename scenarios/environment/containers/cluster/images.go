package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Images names what the servers run. An empty name stands for the official image, or for the one that make images built
// where only that is at hand.
type Images struct{ Kafka, Cassandra, Redis string }

func official() Images {
	return Images{Kafka: "apache/kafka:4.3.1", Cassandra: "cassandra:5.0.5", Redis: "redis:7.2"}
}

// built are those that make images makes.
func built() Images {
	return Images{Kafka: "chatlab/kafka:4.3.1", Cassandra: "chatlab/cassandra:5.0.5", Redis: "chatlab/redis:bookworm"}
}

// FromEnvironment takes the names in CHATLAB_KAFKA_IMAGE, CHATLAB_CASSANDRA_IMAGE and CHATLAB_REDIS_IMAGE.
func FromEnvironment() Images {
	return Images{Kafka: os.Getenv("CHATLAB_KAFKA_IMAGE"), Cassandra: os.Getenv("CHATLAB_CASSANDRA_IMAGE"), Redis: os.Getenv("CHATLAB_REDIS_IMAGE")}
}

// choose fills what was left open.
func (i Images) choose(ctx context.Context, e *engine) (Images, error) {
	var err error
	public, own := official(), built()
	pick := func(want, official, built string) string {
		if want != "" {
			return want
		}
		for _, name := range []string{official, built} {
			has, failed := e.has(ctx, name)
			err = errors.Join(err, failed)
			if has {
				return name
			}
		}
		return official // it will be pulled
	}
	i.Kafka = pick(i.Kafka, public.Kafka, own.Kafka)
	i.Cassandra = pick(i.Cassandra, public.Cassandra, own.Cassandra)
	i.Redis = pick(i.Redis, public.Redis, own.Redis)
	if err != nil {
		return i, fmt.Errorf("look for images: %w", err)
	}
	return i, nil
}

// AtHand says what is missing for a cluster to start without a pull: an engine that answers, or images.
func AtHand(ctx context.Context, images Images) error {
	e, err := connect(ctx)
	if err != nil {
		return errors.New("no container engine answers")
	}
	defer e.Close()
	chosen, err := images.choose(ctx, e)
	if err != nil {
		return err
	}
	for _, name := range []string{chosen.Kafka, chosen.Cassandra, chosen.Redis} {
		if has, err := e.has(ctx, name); err != nil || !has {
			return errors.Join(err, fmt.Errorf("image %s is not at hand", name))
		}
	}
	return nil
}
