package rerun

import (
	"bytes"
	"errors"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// maxPatched bounds what operations of a patch that copy may make of an input, in bytes.
const maxPatched = 16 << 20

// operations says whether a patch is a list of operations (JSON Patch, RFC 6902), and not a merge patch (RFC 7396).
func operations(patch []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(patch, " \t\r\n"), []byte("["))
}

// checkPatch returns an error that says what is wrong with a patch.
func checkPatch(patch []byte) error {
	switch {
	case len(patch) > MaxPatch:
		return fmt.Errorf("the patch has %d bytes; %d are allowed", len(patch), MaxPatch)
	case operations(patch):
		if _, err := jsonpatch.DecodePatch(patch); err != nil {
			return fmt.Errorf("the patch is no list of operations: %w", err)
		}
		return nil
	case !gjson.ValidBytes(patch) || !gjson.ParseBytes(patch).IsObject():
		return errors.New("the patch is neither an object (merge patch) nor a list of operations (JSON Patch)")
	}
	return nil
}

// apply applies a patch. What it does not name stays as it is, to the last digit.
func apply(doc, patch []byte) ([]byte, error) {
	if len(patch) == 0 {
		return doc, nil
	}
	var patched []byte
	var err error
	if operations(patch) {
		var ops jsonpatch.Patch
		if ops, err = jsonpatch.DecodePatch(patch); err == nil {
			patched, err = ops.ApplyWithOptions(doc, &jsonpatch.ApplyOptions{AccumulatedCopySizeLimit: maxPatched, EnsurePathExistsOnAdd: true})
		}
	} else {
		patched, err = jsonpatch.MergePatch(doc, patch)
	}
	if err != nil {
		return nil, fmt.Errorf("the patch cannot be applied: %w", err)
	}
	return patched, nil
}

// replaced sets `replace` of the payload's process definition.
func replaced(doc []byte) ([]byte, error) {
	at := "process.0.replace"
	if gjson.GetBytes(doc, "process").IsObject() { // the deprecated form
		at = "process.replace"
	}
	out, err := sjson.SetRawBytes(doc, at, []byte("true"))
	if err != nil {
		return nil, fmt.Errorf("it is no payload: %w", err)
	}
	return out, nil
}
