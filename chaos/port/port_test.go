package port_test

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/port"
)

func open(t *testing.T, config port.Config) *port.Port {
	p, err := port.Open(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// connect dials a port and accepts there.
func connect(t *testing.T, p *port.Port) (client, server net.Conn) {
	client, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	server, err = p.Accept()
	require.NoError(t, err)
	return client, server
}

func TestDownEndsConnectionsAndUpComesBackAtTheSameAddress(t *testing.T) {
	p := open(t, port.Config{})
	address := p.Address()
	for range 3 {
		client, server := connect(t, p)
		require.Equal(t, 1, p.Living())
		p.Down()
		_, err := client.Read(make([]byte, 1))
		require.Error(t, err)
		_, err = server.Read(make([]byte, 1))
		require.Error(t, err)
		_, err = net.Dial("tcp", address)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.NoError(t, p.Up())
		require.Equal(t, address, p.Address())
	}
}

func TestAcceptWaitsThroughDownTime(t *testing.T) {
	p := open(t, port.Config{})
	p.Down()
	accepted := make(chan error, 1)
	go func() {
		_, err := p.Accept()
		accepted <- err
	}()
	require.NoError(t, p.Up())
	client, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	defer func() { _ = client.Close() }()
	require.NoError(t, <-accepted)
}

func TestAnnouncedAddressIsTold(t *testing.T) {
	announced := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 9092}
	p := open(t, port.Config{Announced: announced})
	require.Equal(t, announced, p.Addr())
	require.NotEqual(t, announced.String(), p.Address())
}

func TestClosedPortRefusesAndStaysClosed(t *testing.T) {
	p := open(t, port.Config{})
	client, _ := connect(t, p)
	require.NoError(t, p.Close())
	_, err := client.Read(make([]byte, 1))
	require.Error(t, err)
	_, err = p.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, p.Up(), net.ErrClosed)
}

func TestSessionEndsWithoutThePort(t *testing.T) {
	p := open(t, port.Config{})
	first := p.Session()
	require.NoError(t, first.Close())
	_, err := first.Accept()
	require.ErrorIs(t, err, net.ErrClosed)

	second := p.Session()
	client, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	defer func() { _ = client.Close() }()
	_, err = second.Accept()
	require.NoError(t, err)
}

func TestFrozenPortHoldsWhatCrossesIt(t *testing.T) {
	p := open(t, port.Config{})
	client, server := connect(t, p)
	p.Freeze()
	p.Freeze()
	_, err := client.Write([]byte("question"))
	require.NoError(t, err)
	heard := make(chan string, 1)
	hear := func(conn net.Conn, n int) {
		text := make([]byte, n)
		n, _ = io.ReadFull(conn, text)
		heard <- string(text[:n])
	}
	go hear(server, len("question"))
	answered := make(chan error, 1)
	go func() {
		_, err := server.Write([]byte("answer"))
		answered <- err
	}()
	select {
	case text := <-heard:
		require.FailNow(t, "a frozen process read", text)
	case err := <-answered:
		require.FailNow(t, "a frozen process wrote", err)
	case <-time.After(50 * time.Millisecond):
	}
	p.Thaw()
	require.Equal(t, "question", <-heard)
	require.NoError(t, <-answered)
	hear(client, len("answer"))
	require.Equal(t, "answer", <-heard)
}

func TestConnectionsEndInTheFrost(t *testing.T) {
	for _, end := range []func(*port.Port, net.Conn){
		func(p *port.Port, _ net.Conn) { p.Down() },
		func(p *port.Port, _ net.Conn) { _ = p.Close() },
		func(_ *port.Port, server net.Conn) { _ = server.Close() },
	} {
		p := open(t, port.Config{})
		client, server := connect(t, p)
		p.Freeze()
		_, err := client.Write([]byte("x"))
		require.NoError(t, err)
		ended := make(chan error, 2)
		go func() { _, err := io.ReadAll(server); ended <- err }()
		go func() { _, err := server.Write([]byte("y")); ended <- err }()
		end(p, server)
		require.Error(t, <-ended)
		require.Error(t, <-ended)
	}
}
