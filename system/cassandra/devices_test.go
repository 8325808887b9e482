package cassandra_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

func TestDevices(t *testing.T) {
	s, ctx, alice := open(t), t.Context(), chat.NewID()
	phone := chat.PushDevice{User: alice, Device: "phone", Provider: chat.ProviderFCM, Token: "one"}
	tablet := chat.PushDevice{User: alice, Device: "tablet", Provider: chat.ProviderAPNs, Token: "two"}
	other := chat.PushDevice{User: chat.NewID(), Device: "phone", Provider: chat.ProviderAPNs, Token: "three"}
	for _, d := range []chat.PushDevice{phone, tablet, other} {
		require.NoError(t, s.PutDevice(ctx, d))
	}
	phone.Token = "another"
	require.NoError(t, s.PutDevice(ctx, phone))
	got, err := s.Devices(ctx, alice)
	require.NoError(t, err)
	require.ElementsMatch(t, []chat.PushDevice{phone, tablet}, got)
	require.NoError(t, s.DeleteDevice(ctx, alice, "tablet"))
	require.NoError(t, s.DeleteDevice(ctx, alice, "tablet"), "again changes nothing")
	got, err = s.Devices(ctx, alice)
	require.NoError(t, err)
	require.Equal(t, []chat.PushDevice{phone}, got)
}
