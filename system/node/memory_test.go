package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSizesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]Bytes{
		"1": 1, "512": 512, "512B": 512, "4KiB": 4 << 10, "512MiB": 512 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40,
		"9223372036854775807": 1<<63 - 1, "8388607TiB": 8388607 << 40,
	} {
		var b Bytes
		require.NoError(t, b.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, b, text)
	}
	for _, text := range []string{"", "0", "0MiB", "-1", "1.5GiB", "MiB", "lots", "512 MiB", "512MB", "512mib", "1MiBB", "9223372036854775808", "8388608TiB", "99999999999999999999"} {
		var b Bytes
		require.ErrorContains(t, b.UnmarshalText([]byte(text)), "want a number of bytes above 0", text)
		require.Zero(t, b, text)
	}
}

// group writes the files of a machine's cgroups and returns what the process's limit is there.
func group(t *testing.T, own string, files map[string]string) uint64 {
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, "fs", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o700))
		require.NoError(t, os.WriteFile(at, []byte(text), 0o600))
	}
	if own != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "own"), []byte(own), 0o600))
	}
	return cgroupLimit(filepath.Join(dir, "own"), filepath.Join(dir, "fs"))
}

func TestTheLimitIsTheLeastOfTheCgroups(t *testing.T) {
	const v1 = "12:cpu,cpuacct:/pod\n4:memory:/pod/app\n1:name=systemd:/x\n"
	for name, c := range map[string]struct {
		own   string
		files map[string]string
		want  uint64
	}{
		"version 2":                      {"0::/pod/app\n", map[string]string{"pod/app/memory.max": "1000\n"}, 1000},
		"a container's own view":         {"0::/\n", map[string]string{"memory.max": "1000\n"}, 1000},
		"a parent's is less":             {"0::/pod/app\n", map[string]string{"pod/app/memory.max": "1000", "pod/memory.max": "700", "memory.max": "max"}, 700},
		"no limit":                       {"0::/pod\n", map[string]string{"pod/memory.max": "max\n"}, 0},
		"no files":                       {"0::/pod\n", nil, 0},
		"nothing at all":                 {"", nil, 0},
		"who the process is is hidden":   {"", map[string]string{"memory.max": "1000"}, 1000},
		"beside the tree":                {"0::/../../pod\n", map[string]string{"pod/memory.max": "1000"}, 1000},
		"nonsense":                       {"0::/pod\nnonsense\n::\n", map[string]string{"pod/memory.max": "a lot\n", "memory.max": "-5"}, 0},
		"nothing is none":                {"0::/pod\n", map[string]string{"pod/memory.max": "0", "memory.max": ""}, 0},
		"beyond any number":              {"0::/pod\n", map[string]string{"pod/memory.max": "99999999999999999999"}, 0},
		"version 1":                      {v1, map[string]string{"memory/pod/app/memory.limit_in_bytes": "1000\n"}, 1000},
		"version 1, a parent's is less":  {v1, map[string]string{"memory/pod/app/memory.limit_in_bytes": "1000", "memory/pod/memory.limit_in_bytes": "700"}, 700},
		"version 1 in a container":       {v1, map[string]string{"memory/memory.limit_in_bytes": "1000\n"}, 1000},
		"version 1 without a limit":      {v1, map[string]string{"memory/pod/app/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"both, of which one has a limit": {v1 + "0::/pod\n", map[string]string{"memory/memory.limit_in_bytes": "1000", "pod/memory.max": "max"}, 1000},
	} {
		require.Equal(t, c.want, group(t, c.own, c.files), name)
	}
}

// What an operator says comes before what the cgroup or GOMEMLIMIT say.
func TestAToldLimitComesFirst(t *testing.T) {
	require.EqualValues(t, 5<<20, memoryLimit(5<<20))
	used, limit := memoryOf(1<<40, 0)()
	require.EqualValues(t, 1<<40, limit)
	require.Positive(t, used)
	require.Less(t, used, limit)
}
