package cluster

import (
	"bytes"
	"embed"
	"fmt"
	"text/template"
)

//go:embed config
var config embed.FS

// render fills a configuration file in.
func render(name string, values any) (string, error) {
	t, err := template.New(name).Funcs(template.FuncMap{"number": func(i int) int { return i + 1 }}).ParseFS(config, "config/"+name)
	if err != nil {
		return "", fmt.Errorf("parse %s: %w", name, err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, values); err != nil {
		return "", fmt.Errorf("fill in %s: %w", name, err)
	}
	return text.String(), nil
}

// rendered fills several files in, by their path in the container.
func rendered(values any, names ...string) (map[string]string, error) {
	files := map[string]string{}
	for _, name := range names {
		text, err := render(name, values)
		if err != nil {
			return nil, err
		}
		files["/chatlab/"+name] = text
	}
	return files, nil
}
