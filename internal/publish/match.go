package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sundog/internal/stac"
	"sundog/payload"
)

// matcher gives a collection to the Items that its filter holds for, or to all when it has none.
type matcher struct {
	collection string
	filter     *payload.Filter
}

func newMatchers(definitions []payload.Matcher) ([]matcher, error) {
	matchers := make([]matcher, 0, len(definitions))
	for i, d := range definitions {
		m := matcher{collection: d.Collection}
		var err error
		switch {
		case d.Collection == "":
			err = errors.New("it names no collection")
		case d.Type == payload.MatchJSONPath:
			m.filter, err = parsePattern(d.Pattern)
		case d.Type != payload.MatchAll:
			err = fmt.Errorf("its type is %q, not %q or %q", d.Type, payload.MatchJSONPath, payload.MatchAll)
		}
		if err != nil {
			return nil, fmt.Errorf("matcher %d, for the collection %q: %w", i+1, d.Collection, err)
		}
		matchers = append(matchers, m)
	}
	return matchers, nil
}

// parsePattern reads a matcher's pattern. Cirrus applies it to an array that holds the Item alone and asks whether it finds one
// value; so a pattern is a filter of that array: $[?(@.id =~ 'S2[AB].*')].
func parsePattern(pattern string) (*payload.Filter, error) {
	filter, isFilter := strings.CutPrefix(strings.TrimSpace(pattern), "$")
	if isFilter {
		filter, isFilter = strings.CutPrefix(strings.TrimPrefix(filter, "."), "[?")
	}
	if isFilter {
		filter, isFilter = strings.CutSuffix(filter, "]")
	}
	if !isFilter {
		return nil, fmt.Errorf("its pattern %q is not a filter; write $[?(…)]", pattern)
	}
	parsed, err := payload.ParseFilter(filter)
	if err != nil {
		return nil, fmt.Errorf("its pattern %q: %w", pattern, err)
	}
	return parsed, nil
}

// assign gives an Item the collection of the first matcher that applies. An Item that none applies to keeps the one it has; one
// that has none then cannot be published.
func (r *request) assign(item *stac.Item, raw json.RawMessage) error {
	for _, m := range r.matchers {
		if m.filter == nil || m.filter.Match(raw) {
			item.SetCollection(m.collection)
			return nil
		}
	}
	if item.Collection() == "" {
		return &stac.Error{Item: item.ID(), Field: "collection", Reason: "it has none and no matcher gives it one; set it, or add a matcher of the type catch_all to process[0].collection_matchers"}
	}
	return nil
}
