package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// asCommand makes this test binary behave as the command.
const asCommand = "CHATD_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// stranger is somebody who started `chatd all` and read what it printed.
type stranger struct {
	*testing.T
	ctx     context.Context
	printed map[string]string
	command *exec.Cmd
	stderr  *bytes.Buffer
}

func command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	self, stderr := os.Args[0], &bytes.Buffer{}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), asCommand+"=1")
	c.Stderr = stderr
	return c, stderr
}

func startAll(t *testing.T) *stranger {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	s := &stranger{T: t, ctx: ctx, printed: map[string]string{}}
	s.command, s.stderr = command("all", "--listen", "127.0.0.1:0")
	stdout, err := s.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.command.Start())
	t.Cleanup(func() { _ = s.command.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	for s.printed["READY"] == "" && lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		require.True(t, ok, lines.Text())
		s.printed[name] = value
	}
	require.Equal(t, "1", s.printed["READY"], "it ended before: %s", s.stderr)
	return s
}

// interrupt presses Ctrl-C.
func (s *stranger) interrupt() {
	pressed := time.Now()
	require.NoError(s, s.command.Process.Signal(os.Interrupt))
	require.NoError(s, s.command.Wait(), "exit code 0")
	s.Logf("ended %v after Ctrl-C", time.Since(pressed).Round(time.Millisecond))
	require.Less(s, time.Since(pressed), 5*time.Second)
	require.Empty(s, s.stderr.String())
}

// ask makes a request as a user and decodes the answer, which must have this status.
func (s *stranger) ask(user, method, path, body string, status int, into any) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.ctx, method, s.printed["EDGE"]+path, strings.NewReader(body))
	require.NoError(s, err)
	req.Header.Set("Authorization", "Bearer "+s.printed[user+"_TOKEN"])
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(s, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(s, err)
	require.Equal(s, status, res.StatusCode, "%s %s: %s", method, path, data)
	require.NoError(s, json.Unmarshal(data, into), "%s", data)
}

type page struct {
	Messages []struct {
		Content  string `json:"content"`
		SenderID string `json:"sender_id"`
	} `json:"messages"`
}

func TestAStrangerWalksTheAPI(t *testing.T) {
	s := startAll(t)
	var made struct {
		ID string `json:"conversation_id"`
	}
	s.ask("ALICE", http.MethodPost, "/api/v1/conversations", `{"type":"direct","members":["`+s.printed["BOB_ID"]+`"]}`, http.StatusCreated, &made)
	messages := "/api/v1/conversations/" + made.ID + "/messages"
	var sent struct {
		ID string `json:"message_id"`
	}
	s.ask("ALICE", http.MethodPost, messages, `{"client_msg_id":"`+chat.NewClientMsgID(time.Now()).String()+`","content":"by REST"}`, http.StatusCreated, &sent)
	require.NotEmpty(t, sent.ID)
	var got page
	require.Eventually(t, func() bool {
		s.ask("BOB", http.MethodGet, messages, "", http.StatusOK, &got)
		return len(got.Messages) == 1
	}, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, "by REST", got.Messages[0].Content)
	require.Equal(t, s.printed["ALICE_ID"], got.Messages[0].SenderID)
	require.False(t, s.online("BOB"))

	bob, shown := s.device("BOB")
	require.NoError(t, bob.Sync(s.ctx))
	require.Equal(t, "by REST", <-shown)
	require.True(t, s.online("BOB"))
	_, err := bob.Send(s.ctx, uuid.MustParse(made.ID), "by socket")
	require.NoError(t, err)
	require.Equal(t, "by socket", <-shown)
	s.interrupt() // while bob is connected
}

func (s *stranger) online(user string) bool {
	var who struct {
		Presence []client.Presence `json:"presence"`
	}
	s.ask("ALICE", http.MethodGet, "/api/v1/presence?users="+s.printed[user+"_ID"], "", http.StatusOK, &who)
	require.Len(s, who.Presence, 1)
	return who.Presence[0].Online
}

// device connects a user's phone, until the test ends.
func (s *stranger) device(user string) (*client.Client, <-chan string) {
	shown := make(chan string, 16)
	c, err := client.New(client.Config{
		EdgeURL: s.printed["EDGE"], UserID: uuid.MustParse(s.printed[user+"_ID"]), Device: "phone",
		Token: func(context.Context) (string, error) { return s.printed[user+"_TOKEN"], nil },
		Observe: func(e client.Event) {
			if e.Kind == client.Shown {
				shown <- e.Text
			}
		},
	})
	require.NoError(s, err)
	ctx, cancel := context.WithCancel(s.ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	s.Cleanup(func() { cancel(); running.Wait() })
	return c, shown
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"all", "--help"}, 0, ""},
		{[]string{"all", "--nonsense"}, 2, "Try: chatd all --help"},
		{[]string{"all", "--listen", "127.0.0.1:99999"}, 3, "listen"},
		{[]string{"--help"}, 0, ""},
		{[]string{"nonsense"}, 2, "Try: chatd --help"},
		{[]string{"gateway"}, 2, "role gateway needs --name"},
		{[]string{"presence", "--name", "p", "--redis-presence", "r:1", "--insecure-rpc", "--rpc-listen", "127.0.0.1:99999"}, 3, "at --rpc-listen: listen tcp"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			cmd, stderr := command(c.args...)
			err := cmd.Run()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			}
			require.Equal(t, c.code, code, stderr)
			require.Contains(t, stderr.String(), c.stderr)
		})
	}
}
