package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/chatlab/chatlab/scenarios/environment/containers"
	"github.com/chatlab/chatlab/scenarios/environment/containers/cluster"
)

type upCommand struct {
	images   `embed:""`
	LogLevel slog.Level `help:"What the lab itself says on stderr: debug, info, warn or error." default:"warn"`
}

// images names what the containers run.
type images struct {
	KafkaImage     string `help:"Image of Kafka; left out, the official one, or what make images built." placeholder:"IMAGE" env:"CHATLAB_KAFKA_IMAGE"`
	CassandraImage string `help:"Image of Cassandra." placeholder:"IMAGE" env:"CHATLAB_CASSANDRA_IMAGE"`
	RedisImage     string `help:"Image of Redis." placeholder:"IMAGE" env:"CHATLAB_REDIS_IMAGE"`
}

func (i images) names() cluster.Images {
	return cluster.Images{Kafka: i.KafkaImage, Cassandra: i.CassandraImage, Redis: i.RedisImage}
}

func (u upCommand) Run(c *console) error {
	log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: u.LogLevel}))
	servers, err := containers.Open(c.ctx, cluster.Config{Images: u.names(), Log: log, Keep: true})
	if err != nil {
		return err
	}
	c.say(0, fmt.Sprintf("Kafka, Cassandra and Redis answer after %s; runs in the world of containers use them until chatlab down.", servers.Took().Round(100*time.Millisecond)))
	for _, s := range servers.Servers() {
		fmt.Fprintf(c.stdout, "%-14s %-17s at %s\n", s.Name, s.Announced, s.Address())
	}
	return servers.Close()
}

type downCommand struct{}

func (downCommand) Run(c *console) error {
	n, err := cluster.Remove(c.ctx)
	if err != nil {
		return err
	}
	text := "nothing to remove: neither chatlab up nor a run that crashed left Kafka, Cassandra or Redis here"
	if n > 0 {
		text = "removed Kafka, Cassandra and Redis, their containers and networks"
	}
	c.say(0, text)
	return nil
}
