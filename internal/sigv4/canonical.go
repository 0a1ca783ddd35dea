package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the request in the one form that both sides make of it.
func (s *Signature) canonicalRequest(body []byte) string {
	hash := sha256.Sum256(body)
	var b strings.Builder
	b.WriteString(s.request.Method + "\n" + canonicalPath(s.request.URL) + "\n" + canonicalQuery(s.request.URL) + "\n")
	for _, name := range s.headers {
		b.WriteString(name + ":" + s.header(name) + "\n")
	}
	b.WriteString("\n" + strings.Join(s.headers, ";") + "\n" + hex.EncodeToString(hash[:]))
	return b.String()
}

// header is the canonical value of a header. Two that a Go server takes out of the header are put back.
func (s *Signature) header(name string) string {
	switch name {
	case "host":
		return s.request.Host
	case "content-length":
		return strconv.FormatInt(s.request.ContentLength, 10)
	}
	values := slices.Clone(s.request.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

// canonicalPath is the path as it came, encoded once more (for every service but S3).
func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = encode(part)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(u *url.URL) string {
	var pairs []string
	for name, values := range u.Query() {
		for _, value := range values {
			pairs = append(pairs, encode(name)+"="+encode(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// encode is AWS's UriEncode: everything but unreserved characters becomes %XX.
func encode(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}
