package reports_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/chatlab/chatlab/reports"
)

func page(t *testing.T, name string) (string, *html.Node) {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, load(t, name).Page(&text))
	root, err := html.Parse(strings.NewReader(text.String()))
	require.NoError(t, err)
	return text.String(), root
}

// The page as it reads without styles and script: everything a person is told, in order.
func TestPageTellsTheStory(t *testing.T) {
	for _, name := range fixtures {
		_, root := page(t, name)
		golden(t, name+".page.txt", reading(root))
	}
}

func TestPageNeedsNoNetwork(t *testing.T) {
	for _, name := range fixtures {
		_, root := page(t, name)
		for node := range root.Descendants() {
			for _, a := range node.Attr {
				switch a.Key {
				case "src", "srcset", "action", "formaction", "poster", "background", "xlink:href", "ping":
					t.Errorf("%s: <%s %s=%q> loads something", name, node.Data, a.Key, a.Val)
				case "href":
					assert.Regexp(t, `^(#|data:,$)`, a.Val, "%s: <%s href>", name, node.Data)
				case "style":
					assert.NotContains(t, a.Val, "url(")
				}
			}
			if node.Type == html.ElementNode && (node.Data == "style" || node.Data == "script") && attribute(node, "type") == "" {
				own := node.FirstChild.Data
				for _, outside := range []string{"//", "url(", "@import", "fetch(", "XMLHttp", "WebSocket(", "import("} {
					assert.NotContains(t, own, outside, "%s: <%s>", name, node.Data)
				}
			}
		}
	}
}

func TestPageOfOrdinaryRunsNamesNoAddress(t *testing.T) {
	for _, name := range []string{"viral-group", "failed", "sparse"} {
		text, _ := page(t, name)
		assert.NotRegexp(t, `://|=["']?//`, text)
	}
}

func TestHostileTextStaysText(t *testing.T) {
	text, root := page(t, "hostile")
	scripts := 0
	for node := range root.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		assert.NotContains(t, []string{"img", "iframe", "object", "base", "form"}, node.Data)
		if node.Data == "script" {
			scripts++
		}
		for _, a := range node.Attr {
			assert.False(t, strings.HasPrefix(a.Key, "on"), "<%s %s>", node.Data, a.Key)
		}
	}
	assert.Equal(t, 2, scripts, "the page's data and its own script")
	assert.NotContains(t, text, "<script>alert")
}

func TestPageHoldsTogether(t *testing.T) {
	for _, name := range fixtures {
		_, root := page(t, name)
		ids, targets := map[string]bool{}, []string{}
		for node := range root.Descendants() {
			if id := attribute(node, "id"); id != "" {
				assert.False(t, ids[id], "%s: id %q twice", name, id)
				ids[id] = true
			}
			if target, found := strings.CutPrefix(attribute(node, "href"), "#"); found {
				targets = append(targets, target)
			}
			for _, a := range node.Attr {
				assert.NotContains(t, a.Val, "ZgotmplZ", "%s: <%s %s>", name, node.Data, a.Key)
				assert.NotContains(t, a.Val, "NaN", "%s: <%s %s>", name, node.Data, a.Key)
			}
		}
		for _, target := range targets {
			assert.True(t, ids[target], "%s: link to #%s", name, target)
		}
	}
}

func TestPageOfNothingAtAll(t *testing.T) {
	var text bytes.Buffer
	require.NoError(t, reports.Report{}.Page(&text))
	assert.Contains(t, text.String(), "This run recorded no timeline.")
	assert.Contains(t, text.String(), "No promise was checked.")
}

func TestOnlyRealStoresLoseTheStandInNote(t *testing.T) {
	r := load(t, "viral-group")
	for world, standIns := range map[string]bool{"embedded": true, "sim": true, "": true, "containers": false} {
		r.World = world
		var text bytes.Buffer
		require.NoError(t, r.Page(&text))
		assert.Equal(t, standIns, strings.Contains(text.String(), "were stand-ins"), world)
	}
}

func TestLongRunIsFoldedAndSaysSo(t *testing.T) {
	r := load(t, "viral-group")
	timeline := &r.Variants[0].Timeline
	timeline.Series[0].Points = make([]reports.Number, 86400)
	var text bytes.Buffer
	require.NoError(t, r.Page(&text))
	assert.Contains(t, text.String(), "each point stands for 4 min 48 s")
	assert.Less(t, text.Len(), 600<<10)
}

func attribute(node *html.Node, key string) string {
	for _, a := range node.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// reading returns the text below a node, a line for each block.
func reading(node *html.Node) string {
	var text strings.Builder
	read(node, &text)
	var lines []string
	for line := range strings.Lines(text.String()) {
		if words := strings.Join(strings.Fields(line), " "); words != "" {
			lines = append(lines, words)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func read(node *html.Node, text *strings.Builder) {
	switch node.Data {
	case "script", "style", "head", "svg":
		if node.Type == html.ElementNode {
			return
		}
	case "span", "b", "strong", "small", "code", "a", "i", "label":
	case "td", "th":
		defer text.WriteString(" |")
	default:
		if node.Type == html.ElementNode {
			defer text.WriteString("\n")
		}
	}
	if node.Type == html.TextNode {
		text.WriteString(strings.Join(strings.Fields(" "+node.Data+" "), " ") + " ")
	}
	for child := range node.ChildNodes() {
		read(child, text)
	}
}

func TestEveryVariantHasALineInEveryChart(t *testing.T) {
	_, root := page(t, "viral-group")
	charts := 0
	for node := range root.Descendants() {
		if attribute(node, "class") != "plot" {
			continue
		}
		charts++
		lines := map[string]bool{}
		for part := range node.Descendants() {
			if class := attribute(part, "class"); strings.HasPrefix(class, "line ") {
				lines[class] = true
				assert.Regexp(t, `^M[\d. ]+L`, attribute(part, "d"))
			}
		}
		assert.Len(t, lines, 3, attribute(node, "aria-label"))
	}
	assert.Equal(t, 14, charts)
}
