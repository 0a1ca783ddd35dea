package api

import "time"

// Token describes a token. Secret, its text, is there only in the answer to CreateToken.
type Token struct {
	Name    string     `json:"name"`
	Role    string     `json:"role"` // read, operate or administer
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"` // never when missing
	Expired bool       `json:"expired,omitempty"`
	Creator string     `json:"creator,omitempty"` // the name of the token with which it was made
	Secret  string     `json:"secret,omitempty"`
}

// Tokens are all tokens.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

// CreateToken asks for a token.
type CreateToken struct {
	Name string `json:"name"` // 1 to 64 letters, digits, dots, hyphens or underscores
	Role string `json:"role"` // read, operate or administer
	// Expires is how long the token is good (90d, 12h, 30m) or until when (RFC 3339); for ever when empty.
	Expires string `json:"expires,omitempty"`
}
