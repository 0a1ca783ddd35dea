// Package sigv4 checks signatures of requests by AWS's Signature Version 4 (IAM User Guide, "AWS Signature Version 4 for API requests"), in
// the Authorization header. Presigned URLs and streamed bodies are not taken.
//
// A signature that was checked says that whoever has the secret meant this method, path, query, body and these headers, at most MaxSkew ago.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// MaxSkew is how far the time of a signature may lie from ours.
const MaxSkew = 15 * time.Minute

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
)

// Errors of a signature. They are wrapped with what is wrong.
var (
	// ErrMissing: the request is not signed at all.
	ErrMissing = errors.New("the request is not signed")
	// ErrIncomplete: a part of the signature is missing or cannot be read, or does not cover what it has to.
	ErrIncomplete = errors.New("the signature is incomplete")
	// ErrUnknown: the access key is not one of ours.
	ErrUnknown = errors.New("the access key is not known")
	// ErrExpired: the signature is of another time.
	ErrExpired = errors.New("the signature is of another time")
	// ErrMismatch: the signature does not fit the request and the secret.
	ErrMismatch = errors.New("the signature does not match")
)

// Verifier knows one access key.
type Verifier struct {
	AccessKey, Secret string
	// Now is the clock, time.Now when nil.
	Now func() time.Time
}

// A Signature is one of a request whose body has not been seen yet.
type Signature struct {
	verifier  *Verifier
	request   *http.Request
	date      string   // timeFormat
	scope     []string // day, region, service, aws4_request
	headers   []string // names of signed headers, in lower case, sorted
	signature string
}

// Read finds the signature of a request and checks what can be checked without its body, so that a stranger's body need not be read.
// The headers named in required have to be signed, if the request has them, besides the host and the date.
func (v *Verifier) Read(r *http.Request, required ...string) (*Signature, error) {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	if !ok {
		return nil, fmt.Errorf("%w with %s", ErrMissing, algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	credential := strings.Split(parts["Credential"], "/")
	s := &Signature{
		verifier: v, request: r, date: r.Header.Get("X-Amz-Date"), headers: strings.Split(parts["SignedHeaders"], ";"), signature: parts["Signature"],
	}
	if len(credential) != 5 || credential[4] != "aws4_request" || s.signature == "" {
		return nil, fmt.Errorf("%w: Authorization needs Credential, SignedHeaders and Signature", ErrIncomplete)
	}
	s.scope = credential[1:]
	signed, err := time.Parse(timeFormat, s.date)
	if err != nil || s.scope[0] != s.date[:8] {
		return nil, fmt.Errorf("%w: the header X-Amz-Date is missing, or of another day than Credential", ErrIncomplete)
	}
	for _, name := range append([]string{"host", "x-amz-date"}, required...) {
		if !slices.Contains(s.headers, name) && (name == "host" || r.Header.Get(name) != "") {
			return nil, fmt.Errorf("%w: the header %s is not signed", ErrIncomplete, name)
		}
	}
	if subtle.ConstantTimeCompare([]byte(credential[0]), []byte(v.AccessKey)) != 1 {
		return nil, fmt.Errorf("%w: use %s", ErrUnknown, v.AccessKey)
	}
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	if skew := now().Sub(signed).Abs(); skew > MaxSkew {
		return nil, fmt.Errorf("%w: it was made at %s, which is %s from the server's clock", ErrExpired, s.date, skew.Round(time.Second))
	}
	return s, nil
}

// Check compares the signature with the request and its body. The error is ErrMismatch.
func (s *Signature) Check(body []byte) error {
	want := hmacOf(s.key(), []byte(s.stringToSign(body)))
	got, err := hex.DecodeString(s.signature)
	if err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
		return ErrMismatch
	}
	return nil
}

// key is derived from the secret, for the day, the region and the service of the scope.
func (s *Signature) key() []byte {
	key := []byte("AWS4" + s.verifier.Secret)
	for _, part := range s.scope {
		key = hmacOf(key, []byte(part))
	}
	return key
}

func hmacOf(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

func (s *Signature) stringToSign(body []byte) string {
	request := sha256.Sum256([]byte(s.canonicalRequest(body)))
	return algorithm + "\n" + s.date + "\n" + strings.Join(s.scope, "/") + "\n" + hex.EncodeToString(request[:])
}
