package payload_test

import (
	"errors"
	"strings"
	"testing"

	"sundog/payload"
)

func TestExpand(t *testing.T) {
	variables := map[string]string{"x": "1", "y_2": "$x"}
	for template, want := range map[string]string{
		"$x": "1", "${x}": "1", "${x?d}": "1", "${z?d}": "d", "${z?}": "", "${z?a?b {}": "a?b {", "${z?line\nbreak}": "line\nbreak",
		"$$x": "$x", "$y_2": "$x", "$x.$x": "1.1", "no variables": "no variables", "": "", `{"a": "$x"}`: `{"a": "1"}`, "${z?$x}": "$x",
	} {
		if got, err := payload.Expand(template, variables, false); got != want || err != nil {
			t.Errorf("%q: %q, %v", template, got, err)
		}
	}
	for template, want := range map[string]error{
		"$z": payload.ErrUnknownVariable, "${z}": payload.ErrUnknownVariable, "$": payload.ErrPlaceholder, "$ x": payload.ErrPlaceholder,
		"${": payload.ErrPlaceholder, "${}": payload.ErrPlaceholder, "${x": payload.ErrPlaceholder, "${x y}": payload.ErrPlaceholder, "$1": payload.ErrPlaceholder,
		"$ü": payload.ErrPlaceholder, "${x?d": payload.ErrPlaceholder,
	} {
		if got, err := payload.Expand(template, variables, false); !errors.Is(err, want) {
			t.Errorf("%q: %q, %v", template, got, err)
		}
		if got, err := payload.Expand(template, variables, true); got != template || err != nil {
			t.Errorf("%q stays as %q, %v", template, got, err)
		}
	}
	_, err := payload.Expand("é\né$", nil, false)
	if err == nil || !strings.Contains(err.Error(), "line 2, column 2") {
		t.Errorf("position: %v", err)
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"$x${y?a}$$", "${x?${y}}$", "$İ${ſ?}", "\n$"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		kept, err := payload.Expand(template, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		if strict, err := payload.Expand(template, nil, false); err == nil && strict != kept {
			t.Fatalf("%q becomes %q and %q", template, strict, kept)
		}
	})
}
