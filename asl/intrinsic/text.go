package intrinsic

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func base64Encode(_ Env, args []any) (any, error) {
	s, err := short(args[0].(string))
	return base64.StdEncoding.EncodeToString([]byte(s)), err
}

// base64Decode gives text: bytes that are no UTF-8 become U+FFFD.
func base64Decode(_ Env, args []any) (any, error) {
	s, err := short(args[0].(string))
	if err != nil {
		return nil, err
	}
	decoded, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("the text is not Base64: %w", err)
	}
	return strings.ToValidUTF8(string(decoded), "\uFFFD"), nil
}

// hash hashes a string itself, and any other value as JSON text.
func hash(_ Env, args []any) (any, error) {
	data, ok := args[0].(string)
	if !ok {
		encoded, err := encode(args[0])
		if err != nil {
			return nil, err
		}
		data = encoded
	}
	data, err := short(data)
	if err != nil {
		return nil, err
	}
	var sum []byte
	switch b := []byte(data); args[1].(string) {
	case "MD5":
		s := md5.Sum(b)
		sum = s[:]
	case "SHA-1":
		s := sha1.Sum(b)
		sum = s[:]
	case "SHA-256":
		s := sha256.Sum256(b)
		sum = s[:]
	case "SHA-384":
		s := sha512.Sum384(b)
		sum = s[:]
	case "SHA-512":
		s := sha512.Sum512(b)
		sum = s[:]
	default:
		return nil, fmt.Errorf("the algorithm must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512 but is %.40q", args[1])
	}
	return hex.EncodeToString(sum), nil
}

// short refuses a text of more than MaxText characters.
func short(s string) (string, error) {
	if n := utf8.RuneCountInString(s); n > MaxText {
		return "", fmt.Errorf("the text has %d characters, more than %d", n, MaxText)
	}
	return s, nil
}

// jsonMerge merges two objects; members of the second win. Only shallow merges exist.
func jsonMerge(_ Env, args []any) (any, error) {
	if args[2] != false {
		return nil, errors.New("the third argument must be false: there is no deep merge")
	}
	merged := maps.Clone(args[0].(map[string]any))
	if merged == nil {
		merged = make(map[string]any)
	}
	maps.Copy(merged, args[1].(map[string]any))
	return merged, nil
}

// stringToJSON gives null for a text of nothing.
func stringToJSON(_ Env, args []any) (any, error) {
	s := args[0].(string)
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("the text is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the text is not JSON: there is more after the value")
	}
	return v, nil
}

func jsonToString(_ Env, args []any) (any, error) { return encode(args[0]) }

func encode(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("writing the value as JSON: %w", err)
	}
	if b.Len() > MaxResult {
		return "", tooLong()
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func tooLong() error { return fmt.Errorf("the result is longer than %d bytes", MaxResult) }

// stringSplit splits at each character of the second argument, and leaves out what is empty.
func stringSplit(_ Env, args []any) (any, error) {
	parts := []any{}
	for part := range strings.FieldsFuncSeq(args[0].(string), func(r rune) bool { return strings.ContainsRune(args[1].(string), r) }) {
		parts = append(parts, part)
	}
	return parts, nil
}

func uuid(env Env, _ []any) (any, error) { return env.UUID(), nil }

// format puts the arguments in the places of {}. A backslash stands before a brace that means itself, and before a backslash.
func format(_ Env, args []any) (any, error) {
	template, rest := args[0].(string), args[1:]
	places := 0
	var b []byte
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template) && strings.IndexByte(`{}\`, template[i+1]) >= 0:
			i++
			b = append(b, template[i])
		case c == '{' && strings.HasPrefix(template[i:], "{}"):
			i++
			if places < len(rest) {
				b = appendDisplay(b, rest[places])
			}
			places++
		default:
			b = append(b, c)
		}
		if len(b) > MaxResult {
			return nil, tooLong()
		}
	}
	if places != len(rest) {
		return nil, fmt.Errorf("the template has %d places {} but there are %d arguments for them", places, len(rest))
	}
	return string(b), nil
}

// appendDisplay writes a value as AWS does, where it is a Java object: {a=1, b=[x, y]}.
func appendDisplay(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(b, v...)
	case json.Number:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendDisplay(b, item)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, name := range sortedNames(v) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, name...), '=')
			b = appendDisplay(b, v[name])
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func sortedNames(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
