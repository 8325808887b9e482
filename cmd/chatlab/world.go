package main

import (
	"log/slog"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
	"github.com/chatlab/chatlab/scenarios/environment/worlds"
)

// enter opens the world that was asked for; leave ends what it started.
func (r runCommand) enter(c *console, words *lastWords) (env scenarios.Environment, leave func() error, err error) {
	return worlds.Open(c.ctx, worlds.Options{
		Name: r.World, Images: r.Images.names(), Config: deployment.Config{LastWords: words.hear},
		Log: slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: r.LogLevel})),
		Say: func(text string) { c.say(0, text) },
	})
}
