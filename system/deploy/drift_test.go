package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/chatlab/chatlab/system/node"
)

// object is a document of Kubernetes.
type object = map[string]any

// at walks down by keys and by the first element of lists.
func at[T any](node any, path ...string) (v T) {
	for _, p := range path {
		if list, ok := node.([]any); ok && len(list) > 0 {
			node = list[0]
		}
		switch n := node.(type) {
		case map[string]any:
			node = n[p]
		default:
			return v
		}
	}
	v, _ = node.(T)
	return v
}

func documents(t *testing.T, file string) (all []object) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var o object
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err, file)
		all = append(all, o)
	}
}

// cluster is everything that kustomize applies, by kind and name.
func cluster(t *testing.T) map[string]object {
	all := map[string]object{}
	files := at[[]any](documents(t, "kubernetes/kustomization.yaml")[0], "resources")
	for _, f := range files {
		for _, o := range documents(t, "kubernetes/"+f.(string)) {
			require.NotEmpty(t, at[string](o, "apiVersion"), f)
			key := at[string](o, "kind") + "/" + at[string](o, "metadata", "name")
			require.NotContains(t, all, key)
			all[key] = o
		}
	}
	found, err := filepath.Glob("kubernetes/*.yaml")
	require.NoError(t, err)
	require.Len(t, found, len(files)+1, "every file is in kustomization.yaml")
	return all
}

// workload is the Deployment or StatefulSet of a role.
func workload(all map[string]object, role string) object {
	if o, ok := all["StatefulSet/"+role]; ok {
		return o
	}
	return all["Deployment/"+role]
}

func TestEveryYAMLParses(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".yaml") {
			files++
			require.NotEmpty(t, documents(t, path), path)
		}
		return err
	})
	require.NoError(t, err)
	require.Greater(t, files, 10)
}

func TestEveryRoleIsDeployed(t *testing.T) {
	all, compose := cluster(t), documents(t, "compose/compose.yaml")[0]
	var deployed, composed []string
	for key := range all {
		if kind, name, _ := strings.Cut(key, "/"); kind == "Deployment" || kind == "StatefulSet" {
			deployed = append(deployed, name)
		}
	}
	for name, service := range at[map[string]any](compose, "services") {
		if command := at[[]any](service, "command"); len(command) > 1 && command[1] == "--name="+name+"-1" {
			require.Equal(t, name, command[0])
			composed = append(composed, name)
		}
	}
	require.ElementsMatch(t, node.Roles(), deployed)
	require.ElementsMatch(t, node.Roles(), composed)
	require.Contains(t, all, "Job/migrate")
}

func TestEveryVariableExists(t *testing.T) {
	variables, flags, err := node.Environment()
	require.NoError(t, err)
	files, err := filepath.Glob("kubernetes/*.yaml")
	require.NoError(t, err)
	components, err := filepath.Glob("kubernetes/components/*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, components)
	for _, file := range slices.Concat(files, components, []string{"compose/compose.yaml", "compose/push.yaml"}) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		text = regexp.MustCompile(`#.*`).ReplaceAll(text, nil)
		for _, word := range strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(" ,:{}[]\n\"", r) }) {
			name, _, _ := strings.Cut(word, "=")
			switch {
			case strings.HasPrefix(word, "CHATD_"):
				require.Contains(t, variables, word, file)
			case strings.HasPrefix(word, "--name="), strings.HasPrefix(word, "--window="):
				require.Contains(t, flags, name, file)
			}
		}
	}
}

// TestPodsAreHardened walks what every pod must have.
func TestPodsAreHardened(t *testing.T) {
	all := cluster(t)
	for _, role := range node.Roles() {
		spec := at[map[string]any](workload(all, role), "spec", "template", "spec")
		container := at[[]any](spec, "containers")[0]
		require.Equal(t, true, at[bool](spec, "securityContext", "runAsNonRoot"), role)
		require.Equal(t, true, at[bool](container, "securityContext", "readOnlyRootFilesystem"), role)
		require.Equal(t, []any{"ALL"}, at[[]any](container, "securityContext", "capabilities", "drop"), role)
		require.Equal(t, "/healthz", at[string](container, "livenessProbe", "httpGet", "path"), role)
		require.Equal(t, "/readyz", at[string](container, "readinessProbe", "httpGet", "path"), role)
		require.NotEmpty(t, at[map[string]any](container, "resources", "requests"), role)
		require.Equal(t, []any{role}, at[[]any](container, "args"))
		require.Contains(t, all, "PodDisruptionBudget/"+role)
	}
	for key := range all {
		require.False(t, strings.HasPrefix(key, "Secret/"), "secrets are referred to, never contained")
	}
}

// TestPortsMatch compares what the roles listen on with what pods, services and policies name.
func TestPortsMatch(t *testing.T) {
	all := cluster(t)
	config := at[map[string]any](all["ConfigMap/chat"], "data")
	listens := map[string]string{"public": "CHATD_PUBLIC_LISTEN", "rpc": "CHATD_RPC_LISTEN", "admin": "CHATD_ADMIN_LISTEN"}
	ports := map[int]bool{}
	for _, role := range node.Roles() {
		for _, p := range at[[]any](at[[]any](workload(all, role), "spec", "template", "spec", "containers")[0], "ports") {
			port := at[int](p, "containerPort")
			_, listen, _ := strings.Cut(config[listens[at[string](p, "name")]].(string), ":")
			require.Equal(t, listen, yamlText(port), role)
			ports[port] = true
		}
		for _, p := range at[[]any](all["Service/"+role], "spec", "ports") {
			require.True(t, ports[at[int](p, "port")], role)
		}
	}
	for key, o := range all {
		if strings.HasPrefix(key, "NetworkPolicy/") && key != "NetworkPolicy/nobody" {
			require.True(t, ports[at[int](at[[]any](at[[]any](o, "spec", "ingress")[0], "ports")[0], "port")], key)
		}
	}
}

func yamlText(v any) string {
	text, _ := yaml.Marshal(v)
	return strings.TrimSpace(string(text))
}

// TestGatewaysLeaveInTime asks that a pod is not killed before its drain, its SIGTERM and the rest of its end are over.
func TestGatewaysLeaveInTime(t *testing.T) {
	spec := at[map[string]any](cluster(t)["StatefulSet/gateway"], "spec", "template", "spec")
	command := at[[]any](at[[]any](spec, "containers")[0], "lifecycle", "preStop", "exec", "command")
	require.Equal(t, []any{"/chatd", "drain"}, command[:2])
	window, err := time.ParseDuration(strings.TrimPrefix(command[2].(string), "--window="))
	require.NoError(t, err)
	const sigterm, rest = 5 * time.Second, 10 * time.Second
	require.GreaterOrEqual(t, time.Duration(at[int](spec, "terminationGracePeriodSeconds"))*time.Second, window+sigterm+rest)
}

// TestEveryPodHasItsAddress compares the lists of names with how many pods there may be.
func TestEveryPodHasItsAddress(t *testing.T) {
	all := cluster(t)
	config := at[map[string]any](all["ConfigMap/chat"], "data")
	list := func(name string) []string { return strings.Split(config[name].(string), ",") }
	require.Len(t, list("CHATD_GATEWAYS"), at[int](all["HorizontalPodAutoscaler/gateway"], "spec", "maxReplicas"))
	require.Len(t, list("CHATD_GATEWAY_PUBLIC"), len(list("CHATD_GATEWAYS")))
	require.Len(t, list("CHATD_MESSAGES"), at[int](all["StatefulSet/message"], "spec", "replicas"))
	require.Len(t, list("CHATD_PRESENCES"), at[int](all["StatefulSet/presence"], "spec", "replicas"))
	require.True(t, slices.IsSorted([]int{at[int](all["HorizontalPodAutoscaler/fanout"], "spec", "maxReplicas"), 24}), "more workers than partitions have nothing to do")
}

// TestComposePublishesOnLoopback keeps a system on a laptop from strangers.
func TestComposePublishesOnLoopback(t *testing.T) {
	published := 0
	for name, service := range at[map[string]any](documents(t, "compose/compose.yaml")[0], "services") {
		for _, p := range at[[]any](service, "ports") {
			published++
			require.True(t, strings.HasPrefix(p.(string), "127.0.0.1:"), name)
		}
	}
	require.Equal(t, 3, published)
}
