package reports

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// The names of the files that [Write] leaves in a report's directory.
const (
	JSONFile  = "report.json"
	JUnitFile = "junit.xml"
	PageFile  = "report.html"
)

// Write leaves report.json, junit.xml and report.html in dir, which it creates. All three are rendered before the
// first is written and each appears whole under its name, so a reader never meets half a report.
func Write(dir string, r Report) error {
	files, err := r.files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make report directory: %w", err)
	}
	for _, f := range files {
		if err := replace(filepath.Join(dir, f.name), f.content); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return nil
}

type file struct {
	name    string
	content []byte
}

func (r Report) files() ([]file, error) {
	text, err := r.JSON()
	if err != nil {
		return nil, err
	}
	var suites, page bytes.Buffer
	if err := r.JUnit(&suites); err != nil {
		return nil, err
	}
	if err := r.Page(&page); err != nil {
		return nil, err
	}
	return []file{{JSONFile, text}, {JUnitFile, suites.Bytes()}, {PageFile, page.Bytes()}}, nil
}

// replace writes a temporary file beside path and renames it over path; a failure leaves the old file untouched.
func replace(path string, content []byte) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	if err := fill(temporary, content); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

func fill(f *os.File, content []byte) error {
	_, err := f.Write(content)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
