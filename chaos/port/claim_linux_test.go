package port_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/port"
)

func TestNobodyElseGetsThePort(t *testing.T) {
	p := open(t, port.Config{})
	p.Down()
	_, err := net.Listen("tcp", p.Address())
	require.ErrorIs(t, err, syscall.EADDRINUSE)
}
