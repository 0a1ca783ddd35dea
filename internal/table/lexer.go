package table

import (
	"fmt"
	"strings"
)

// token is a word, placeholder, number or sign of an expression. The end is a token without text.
type token struct {
	text       string
	start, end int
}

// lexer cuts an expression into tokens, one ahead.
type lexer struct {
	text     string
	previous token
	current  token
	problem  string // the first that is no token, or does not fit
}

func newLexer(text string) *lexer {
	l := &lexer{text: text}
	l.current = l.scan(0)
	return l
}

// next moves to the following token and returns the one that was current.
func (l *lexer) next() token {
	l.previous = l.current
	l.current = l.scan(l.current.end)
	return l.previous
}

func (l *lexer) scan(at int) token {
	for at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[at]) >= 0 {
		at++
	}
	end := at
	if at < len(l.text) {
		end++
		switch c := l.text[at]; {
		case wordByte(c) || c == '#' || c == ':':
			digits := c >= '0' && c <= '9'
			for end < len(l.text) && wordByte(l.text[end]) && (!digits || l.text[end] >= '0' && l.text[end] <= '9') {
				end++
			}
		case (c == '<' || c == '>') && end < len(l.text) && (l.text[end] == '=' || c == '<' && l.text[end] == '>'):
			end++
		}
	}
	return token{text: l.text[at:end], start: at, end: end}
}

// is reports whether the current token is a sign.
func (l *lexer) is(sign string) bool { return l.current.text == sign }

// isWord reports whether the current token is a keyword, whatever its case.
func (l *lexer) isWord(word string) bool { return strings.EqualFold(l.current.text, word) }

// isName reports whether a token is a word that may name an attribute or function.
func (t token) isName() bool {
	return t.text != "" && wordByte(t.text[0]) && (t.text[0] < '0' || t.text[0] > '9')
}

func (t token) isNumber() bool { return t.text != "" && t.text[0] >= '0' && t.text[0] <= '9' }

// accept moves over a sign, and reports whether it was there.
func (l *lexer) accept(sign string) bool {
	if l.is(sign) {
		l.next()
		return true
	}
	return false
}

// acceptWord moves over a keyword, and reports whether it was there.
func (l *lexer) acceptWord(word string) bool {
	if l.isWord(word) {
		l.next()
		return true
	}
	return false
}

// expect moves over a sign, or complains about what is there.
func (l *lexer) expect(sign string) bool {
	if l.accept(sign) {
		return true
	}
	l.fail()
	return false
}

// fail notes that the current token does not fit. Only the first is noted.
func (l *lexer) fail() {
	if l.problem != "" {
		return
	}
	shown := l.current.text
	if shown == "" {
		shown = "<EOF>"
	}
	near := l.text[l.previous.start:l.scan(l.current.end).end]
	l.problem = fmt.Sprintf("Syntax error; token: \"%s\", near: \"%s\"", shown, near)
}

func (l *lexer) failed() bool { return l.problem != "" }
