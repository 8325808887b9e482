package edge

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/chatlab/chatlab/system/chat"
)

// query reads the parameters of a URL. One that is misspelt must not be passed over in silence.
type query struct{ values url.Values }

func (r request) query(known ...string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, chat.Errorf(chat.CodeBadRequest, "the query cannot be read")
	}
	for name, all := range values {
		switch {
		case !slices.Contains(known, name):
			return query{}, chat.Errorf(chat.CodeBadRequest, "parameter %.40q is unknown", name)
		case len(all) > 1:
			return query{}, chat.Errorf(chat.CodeBadRequest, "parameter %s is given %d times", name, len(all))
		}
	}
	return query{values}, nil
}

func (q query) number(name string, byDefault, from, to int) (int, error) {
	if !q.values.Has(name) {
		return byDefault, nil
	}
	n, err := strconv.Atoi(q.values.Get(name))
	if err != nil || n < from || n > to {
		return 0, chat.Errorf(chat.CodeBadRequest, "parameter %s: want a number from %d to %d", name, from, to)
	}
	return n, nil
}

// pathID reads the conversation of the path.
func (r request) pathID() (chat.ID, error) { return chat.ParseID(r.PathValue("id")) }
