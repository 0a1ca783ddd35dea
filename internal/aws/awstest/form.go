package awstest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

// codec is how a protocol writes documents.
type codec interface {
	decode(body []byte) (any, error)
	encode(e exchange) ([]byte, error)
}

// jsonForm is AWS's JSON protocols.
type jsonForm struct{}

func (jsonForm) decode(body []byte) (any, error) { return parse(body) }

func (jsonForm) encode(e exchange) ([]byte, error) {
	if e.Error == "" {
		return e.Response, nil
	}
	return withType(e)
}

// withType is the answer with the code of its error.
func withType(e exchange) ([]byte, error) {
	members := map[string]any{}
	if len(e.Response) > 0 {
		if err := json.Unmarshal(e.Response, &members); err != nil {
			return nil, err
		}
	}
	members["__type"] = e.Error
	return json.Marshal(members)
}

// cborForm is Smithy's RPC v2 protocol (smithy.io, Smithy RPC v2 CBOR protocol). A time is recorded as {"$time": seconds}, and a number with a point is a
// floating one.
type cborForm struct{}

func (cborForm) decode(body []byte) (any, error) {
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	return plain(v)
}

func (cborForm) encode(e exchange) ([]byte, error) {
	text, err := jsonForm{}.encode(e)
	if err != nil {
		return nil, err
	}
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	value, err := toCBOR(v)
	if err != nil {
		return nil, err
	}
	return cbor.Encode(value), nil
}

// plain makes of CBOR what JSON has.
func plain(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.Uint:
		return json.Number(strconv.FormatUint(uint64(v), 10)), nil
	case cbor.NegInt:
		return json.Number("-" + strconv.FormatUint(uint64(v), 10)), nil
	case cbor.Float64:
		return json.Number(strconv.FormatFloat(float64(v), 'f', -1, 64)), nil
	case cbor.String:
		return string(v), nil
	case cbor.Bool:
		return bool(v), nil
	case *cbor.Nil:
		return nil, nil
	case cbor.List:
		list := make([]any, len(v))
		for i, element := range v {
			var err error
			if list[i], err = plain(element); err != nil {
				return nil, err
			}
		}
		return list, nil
	case cbor.Map:
		members := make(map[string]any, len(v))
		for name, member := range v {
			var err error
			if members[name], err = plain(member); err != nil {
				return nil, err
			}
		}
		return members, nil
	case *cbor.Tag:
		at, err := cbor.AsTime(v)
		if err != nil {
			return nil, err
		}
		return map[string]any{"$time": json.Number(strconv.FormatInt(at.Unix(), 10))}, nil
	}
	return nil, fmt.Errorf("a %T is not expected in a request", v)
}

// toCBOR is the reverse.
func toCBOR(v any) (cbor.Value, error) {
	switch v := v.(type) {
	case string:
		return cbor.String(v), nil
	case bool:
		return cbor.Bool(v), nil
	case json.Number:
		if !strings.Contains(v.String(), ".") {
			n, err := strconv.ParseUint(v.String(), 10, 64)
			return cbor.Uint(n), err
		}
		f, err := v.Float64()
		return cbor.Float64(f), err
	case []any:
		list := make(cbor.List, len(v))
		for i, element := range v {
			var err error
			if list[i], err = toCBOR(element); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		if at, ok := v["$time"].(json.Number); ok {
			seconds, err := at.Float64()
			return &cbor.Tag{ID: 1, Value: cbor.Float64(seconds)}, err
		}
		members := make(cbor.Map, len(v))
		for name, member := range v {
			var err error
			if members[name], err = toCBOR(member); err != nil {
				return nil, err
			}
		}
		return members, nil
	}
	return nil, fmt.Errorf("a %T has no form in CBOR here", v)
}
