package publish

import (
	"net/url"
	"path"
	"strings"
)

// escapePath writes a key as the path of a URL: '?' and '#' belong to the key.
func escapePath(key string) string {
	segments := strings.Split(key, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return strings.Join(segments, "/")
}

// relative is the reference from the document at one key to another.
func relative(from, to string) string {
	base := strings.Split(from, "/")
	base = base[:len(base)-1]
	target := strings.Split(to, "/")
	for len(base) > 0 && len(target) > 1 && base[0] == target[0] {
		base, target = base[1:], target[1:]
	}
	up := "./"
	if len(base) > 0 {
		up = strings.Repeat("../", len(base))
	}
	return up + escapePath(strings.Join(target, "/"))
}

// resolve is the inverse of relative; ok is false for a reference that does not lead to a key of the bucket.
func resolve(from, href string) (key string, ok bool) {
	if !strings.HasPrefix(href, "./") && !strings.HasPrefix(href, "../") {
		return "", false
	}
	unescaped, err := url.PathUnescape(href)
	if err != nil {
		return "", false
	}
	key = path.Join(path.Dir(from), unescaped)
	return key, !strings.HasPrefix(key, "../")
}
