package message

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

func TestRefusedWordsAreFoundAsWholeWords(t *testing.T) {
	words, err := ParseWords([]byte("# not here\nspam\n\n  Größe \n"))
	require.NoError(t, err)
	require.Equal(t, []string{"spam", "Größe"}, words)
	judge := RefuseWords(words)
	for text, refused := range map[string]bool{
		"spam": true, "buy SPAM!": true, "x,spam,y": true, "GRÖSSE? größe.": true,
		"": false, "spammer": false, "antispam": false, "sp am": false, "hello": false,
	} {
		err := judge(t.Context(), chat.ID{}, text)
		require.Equal(t, refused, err != nil, text)
		if refused {
			require.Equal(t, chat.CodeModerated, chat.AsError(err).Code)
			require.NotContains(t, err.Error(), text, "the refusal does not repeat what it refuses")
		}
	}
	_, err = ParseWords([]byte("spam\ntwo words"))
	require.ErrorContains(t, err, `line 2: "two words"`)
}
