package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"
)

// A Secret is the text of a token: "sundog_<id>_<key>". The id finds the token, the key proves it.
type Secret struct {
	id  string
	key string
}

const (
	secretPrefix = "sundog"
	idBytes      = 10
	keyBytes     = 32
)

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewSecret returns a random one.
func NewSecret() Secret {
	var b [idBytes + keyBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return Secret{id: encoding.EncodeToString(b[:idBytes]), key: encoding.EncodeToString(b[idBytes:])}
}

// ParseSecret reads the text of a token. The error does not repeat it.
func ParseSecret(text string) (Secret, error) {
	prefix, rest, _ := strings.Cut(text, "_")
	id, key, _ := strings.Cut(rest, "_")
	if prefix != secretPrefix || len(id) != encoding.EncodedLen(idBytes) || len(key) != encoding.EncodedLen(keyBytes) {
		return Secret{}, fmt.Errorf("%w token", ErrInvalid)
	}
	return Secret{id: id, key: key}, nil
}

// Reveal returns the text, to be shown once.
func (s Secret) Reveal() string { return secretPrefix + "_" + s.id + "_" + s.key }

// String hides the key, so that no log shows it.
func (s Secret) String() string { return secretPrefix + "_" + s.id + "_…" }

// ID finds the token; it is nothing secret.
func (s Secret) ID() string { return s.id }

// Digest is what is kept of the key.
func (s Secret) Digest() Digest { return DigestOf(s.key) }

// Digest is the SHA-256 of a secret text.
type Digest [sha256.Size]byte

// DigestOf is the digest of a secret text.
func DigestOf(text string) Digest { return sha256.Sum256([]byte(text)) }

// Equal compares in a time that does not depend on where they differ.
func (d Digest) Equal(other Digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }
