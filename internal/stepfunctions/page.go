package stepfunctions

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"sundog/internal/awsjson"
)

// A page token is the position at which the page ended, behind a checksum over it and what the request was about. It needs no memory, so
// it outlives a restart, and it is refused when it is used with another request, or was not made here.

func sealToken(position string, about ...string) *string {
	text := base64.RawURLEncoding.EncodeToString(append(checksum(position, about), position...))
	return &text
}

// openToken returns the position of a token, "" when there is none.
func openToken(token *string, about ...string) (string, error) {
	if token == nil {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(text) < 5 || string(checksum(string(text[4:]), about)) != string(text[:4]) {
		return "", awsjson.Errorf("InvalidToken", "Invalid Token: 'Invalid token'")
	}
	return string(text[4:]), nil
}

func checksum(position string, about []string) []byte {
	text := strings.Join(append(about, position), "\x00")
	return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
}

// Bounds of the pages of all lists (API reference).
const (
	defaultPage = 100
	maxPage     = 1000
	maxToken    = 3096 // characters
)

// paging is the part of a request that asks for a page of a list.
type paging struct {
	MaxResults *int    `json:"maxResults"`
	NextToken  *string `json:"nextToken"`
}

func (p *paging) check(c *awsjson.Checks) {
	c.Range("maxResults", p.MaxResults, 0, maxPage)
	c.Length("nextToken", p.NextToken, 1, maxToken)
}

func (p *paging) limit() int {
	if p.MaxResults == nil || *p.MaxResults == 0 {
		return defaultPage
	}
	return *p.MaxResults
}

// cut returns the page of a whole list that begins with the first element after a position, and whether another one follows.
func cut[T any](all []T, p *paging, after func(T) bool) (page []T, more bool) {
	page = []T{}
	for _, one := range all {
		switch {
		case !after(one):
		case len(page) == p.limit():
			return page, true
		default:
			page = append(page, one)
		}
	}
	return page, false
}
