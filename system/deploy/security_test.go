package deploy_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/transport"
)

// files makes what Secrets and ConfigMaps hold, by the names that pods see it under.
func files(t *testing.T) map[string]string {
	dir := t.TempDir()
	require.Zero(t, node.Main([]string{"keys", "make", "--dir", dir}, nil, io.Discard, t.Output()))
	d, err := transport.DevelopmentCertificate(filepath.Join(dir, "tls"))
	require.NoError(t, err)
	credentials := filepath.Join(dir, "credentials")
	require.NoError(t, os.WriteFile(credentials, []byte("{}"), 0o600))
	all := map[string]string{"tls.crt": d.Chain, "tls.key": d.Key, "fcm.json": credentials, "fcm": credentials, "apns.p8": credentials}
	for _, name := range []string{"user-jwks.json", "ticket-key.json", "ticket-jwks.json", "cluster-secret"} {
		all[name] = filepath.Join(dir, name)
	}
	return all
}

// deployed is a role as its container sees the world.
type deployed struct {
	args    []string
	env     map[string]string
	folders []string // where volumes are
}

// pod is a role's container in the cluster, changed by patches.
func pod(t *testing.T, all map[string]object, role string, patches ...object) deployed {
	d := deployed{args: []string{role}, env: map[string]string{}}
	for name, value := range at[map[string]any](all["ConfigMap/chat"], "data") {
		d.env[name] = value.(string)
	}
	for _, o := range append([]object{workload(all, role)}, patches...) {
		container := at[[]any](o, "spec", "template", "spec", "containers")[0]
		require.Equal(t, "chatd", at[string](container, "name"))
		for _, v := range at[[]any](container, "env") {
			name := at[string](v, "name")
			switch {
			case at[string](v, "$patch") == "delete":
				require.Contains(t, d.env, name)
				delete(d.env, name)
			case at[string](v, "valueFrom", "resourceFieldRef", "resource") == "limits.memory":
				d.env[name] = "2147483648"
			case at[string](v, "valueFrom", "fieldRef", "fieldPath") == "metadata.name":
				d.env[name] = role + "-0"
			default:
				d.env[name] = at[string](v, "value")
			}
		}
		for _, m := range at[[]any](container, "volumeMounts") {
			d.folders = append(d.folders, at[string](m, "mountPath")+"/")
		}
	}
	return d
}

// check asks the role whether it would start so.
func (d deployed) check(t *testing.T, files map[string]string) {
	for name, value := range d.env {
		if strings.HasPrefix(value, "/") {
			require.Contains(t, d.folders, filepath.Dir(value)+"/", "%s: nothing is mounted there", value)
			require.Contains(t, files, filepath.Base(value))
			value = files[filepath.Base(value)]
		}
		if strings.HasPrefix(name, "CHATD_") {
			t.Setenv(name, value)
		}
	}
	var stderr bytes.Buffer
	require.Zero(t, node.Main(append(d.args, "--check"), nil, io.Discard, &stderr), "%v: %s", d.args, &stderr)
}

// component reads the patches of a component, by role.
func component(t *testing.T, name string) map[string]object {
	dir := "kubernetes/components/" + name + "/"
	patches := map[string]object{}
	for _, p := range at[[]any](documents(t, dir+"kustomization.yaml")[0], "patches") {
		o := documents(t, dir+at[string](p, "path"))[0]
		patches[at[string](o, "metadata", "name")] = o
	}
	require.NotEmpty(t, patches)
	return patches
}

func TestEveryPodWouldStart(t *testing.T) {
	all, files := cluster(t), files(t)
	for _, role := range node.Roles() {
		t.Run(role, func(t *testing.T) { pod(t, all, role).check(t, files) })
	}
	for _, name := range []string{"behind-proxy", "push-fcm", "push-apns"} {
		for role, patch := range component(t, name) {
			t.Run(name+" "+role, func(t *testing.T) { pod(t, all, role, patch).check(t, files) })
		}
	}
}

func TestEveryServiceOfComposeWouldStart(t *testing.T) {
	files := files(t)
	services := at[map[string]any](documents(t, "compose/compose.yaml")[0], "services")
	notify := at[map[string]any](documents(t, "compose/push.yaml")[0], "services", "push", "environment")
	for _, role := range node.Roles() {
		t.Run(role, func(t *testing.T) {
			d := deployed{env: map[string]string{}, folders: []string{"/keys/", "/run/secrets/"}}
			for _, word := range at[[]any](services[role], "command") {
				d.args = append(d.args, word.(string))
			}
			variables := at[map[string]any](services[role], "environment")
			if role == node.Push {
				for name, value := range notify {
					variables[name] = value
				}
			}
			for name, value := range variables {
				d.env[name] = regexp.MustCompile(`\$\{\w+:-(.*?)\}`).ReplaceAllString(value.(string), "$1")
			}
			d.check(t, files)
		})
	}
}

// TestNobodyListens asks that what devices say in public goes by TLS, but where a component names the proxy that ends it,
// and that compose, which has none, publishes on loopback only (TestComposePublishesOnLoopback).
func TestNobodyListens(t *testing.T) {
	all, proxied := cluster(t), component(t, "behind-proxy")
	for _, role := range []string{node.Edge, node.Gateway} {
		d := pod(t, all, role)
		require.NotEmpty(t, d.env["CHATD_TLS_CERT"], role)
		require.NotContains(t, d.env, "CHATD_INSECURE_PUBLIC", role)
		d = pod(t, all, role, proxied[role])
		require.NotContains(t, d.env, "CHATD_TLS_CERT", role)
		require.Equal(t, "true", d.env["CHATD_INSECURE_PUBLIC"], role)
		require.NotEmpty(t, d.env["CHATD_TRUSTED_PROXIES"], role)
	}
	config := at[map[string]any](all["ConfigMap/chat"], "data")
	for _, public := range strings.Split(config["CHATD_GATEWAY_PUBLIC"].(string), ",") {
		_, url, _ := strings.Cut(public, "=")
		require.True(t, strings.HasPrefix(url, "wss://"), public)
	}
	for _, role := range node.Roles() {
		require.NotContains(t, pod(t, all, role).env, "CHATD_INSECURE_RPC", role)
	}
}

// TestSecretsAreFiles asks that no secret is in the environment, where every child and every dump of the process has it,
// that only the pod's own user reads the file, and that whoever deploys is told what to bring.
func TestSecretsAreFiles(t *testing.T) {
	all := cluster(t)
	head, err := os.ReadFile("kubernetes/kustomization.yaml")
	require.NoError(t, err)
	seen := map[string]bool{}
	pods := []object{}
	for _, role := range node.Roles() {
		pods = append(pods, workload(all, role))
	}
	for _, name := range []string{"behind-proxy", "push-fcm", "push-apns"} {
		for _, o := range component(t, name) {
			pods = append(pods, o)
		}
	}
	for _, o := range pods {
		spec := at[map[string]any](o, "spec", "template", "spec")
		require.NotContains(t, yamlText(spec), "secretKeyRef")
		for _, v := range at[[]any](spec, "volumes") {
			for _, name := range []string{at[string](v, "secret", "secretName"), at[string](v, "configMap", "name")} {
				if name != "" {
					seen[name] = true
					require.Regexp(t, `(Secret|ConfigMap) +`+regexp.QuoteMeta(name)+` `, string(head))
				}
			}
			if at[string](v, "secret", "secretName") != "" {
				require.Equal(t, 0o440, at[int](v, "secret", "defaultMode"), yamlText(v))
			}
		}
	}
	require.Len(t, seen, 7)
}
