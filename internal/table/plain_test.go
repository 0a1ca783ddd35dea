package table_test

import (
	"errors"
	"strings"
	"testing"

	"sundog/internal/table"
)

func TestPlain(t *testing.T) {
	for name, tt := range map[string]struct{ plain, item, back string }{
		"each type": {
			`{"s":"ä<","n":-1.50e3,"t":true,"z":null,"l":[1,"a",[]],"m":{"k":{}}}`,
			`{"l":{"L":[{"N":"1"},{"S":"a"},{"L":[]}]},"m":{"M":{"k":{"M":{}}}},"n":{"N":"-1500"},"s":{"S":"ä<"},"t":{"BOOL":true},"z":{"NULL":true}}`,
			`{"l":[1,"a",[]],"m":{"k":{}},"n":-1500,"s":"ä<","t":true,"z":null}`,
		},
		"38 digits": {`{"n":12345678901234567890123456789012345678}`, `{"n":{"N":"12345678901234567890123456789012345678"}}`, `{"n":12345678901234567890123456789012345678}`},
		"nothing":   {`{}`, `{}`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			item, err := table.ParsePlain([]byte(tt.plain))
			if err != nil {
				t.Fatal(err)
			}
			text, err := item.MarshalJSON()
			if err != nil || string(text) != tt.item {
				t.Errorf("item %s, %v", text, err)
			}
			if back := string(item.Plain()); back != tt.back {
				t.Errorf("back %s", back)
			}
		})
	}
	sets, err := table.ParseItem([]byte(`{"a":{"SS":["x","y"]},"b":{"NS":["1"]},"c":{"BS":["eA=="]},"d":{"B":"eA=="}}`))
	if err != nil || string(sets.Plain()) != `{"a":["x","y"],"b":[1],"c":["eA=="],"d":"eA=="}` {
		t.Errorf("%s, %v", sets.Plain(), err)
	}
}

func TestPlainRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `"a"`, `{`, "{\"a\":\"\xff\"}", `{"n":1e200}`, `{"n":123456789012345678901234567890123456789}`,
		`{"deep":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	} {
		_, err := table.ParsePlain([]byte(text))
		if refused, ok := errors.AsType[*table.Error](err); !ok || refused.Message == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
}
