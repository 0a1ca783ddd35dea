package asl

import (
	"encoding/binary"
	"encoding/hex"
	"errors"

	"sundog/asl/intrinsic"
)

// An intrinsicCall is a call of intrinsic functions as an expression.
type intrinsicCall struct {
	call  *intrinsic.Call
	paths map[*intrinsic.PathArg]*path
}

func parseIntrinsic(text string) (expression, error) {
	call, err := intrinsic.Parse(text)
	if err != nil {
		return nil, err
	}
	c := &intrinsicCall{call: call, paths: map[*intrinsic.PathArg]*path{}}
	for arg := range call.Paths {
		c.paths[arg] = &path{text: arg.Text, root: arg.Root, variable: arg.Variable, full: arg.Path}
	}
	return c, nil
}

// givesString says whether an expression can give a string.
func givesString(e expression) bool {
	c, ok := e.(*intrinsicCall)
	if !ok {
		return true
	}
	kind := c.call.ResultKind()
	return kind == "" || kind == "string"
}

func (c *intrinsicCall) eval(s *scope, field string) (*Document, *failure) {
	v, err := c.call.Eval(intrinsicEnv{call: c, scope: s, field: field})
	if err == nil {
		return Value(v), nil
	}
	var missing *failure
	if errors.As(err, &missing) {
		return nil, missing
	}
	return nil, s.frame.namedFailure(errIntrinsicFailure, "%v", err)
}

// intrinsicEnv gives a call the values of its paths, and chance.
type intrinsicEnv struct {
	call  *intrinsicCall
	scope *scope
	field string
}

func (e intrinsicEnv) Path(arg *intrinsic.PathArg) (any, error) {
	d, err := e.call.paths[arg].eval(e.scope, e.field)
	if err != nil {
		return nil, err
	}
	return d.Get(), nil
}

func (e intrinsicEnv) Random() uint64 { return e.scope.exec.random().Uint64() }

func (e intrinsicEnv) UUID() string { return newUUID(e.Random(), e.Random()) }

// newUUID makes a random UUID, version 4 (RFC 9562), of 128 random bits.
func newUUID(a, b uint64) string {
	bits := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, a), b)
	bits[6] = bits[6]&0x0f | 0x40
	bits[8] = bits[8]&0x3f | 0x80
	text := hex.EncodeToString(bits)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
