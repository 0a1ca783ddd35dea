package server

import (
	"net/http"
	"time"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/payload"
)

func tokenOf(t access.Token) api.Token {
	out := api.Token{Name: t.Name, Role: t.Role.String(), Created: t.Created, Creator: t.Creator, Expired: t.Expired(time.Now())}
	if !t.Expires.IsZero() {
		out.Expires = &t.Expires
	}
	return out
}

// createToken answers with the text of the new token, this once.
func (s *Server) createToken(r *http.Request) (api.Token, error) {
	var req api.CreateToken
	if err := request.Body(r, &req); err != nil {
		return api.Token{}, err
	}
	role, err := access.ParseRole(req.Role)
	if err != nil {
		return api.Token{}, problem.Wrap(problem.Invalid, err, "making a token")
	}
	expires, err := expiry(req.Expires, time.Now())
	if err != nil {
		return api.Token{}, err
	}
	secret, made, err := s.platform.Tokens.Create(r.Context(), req.Name, role, expires)
	if err != nil {
		return api.Token{}, err
	}
	s.opts.Logger.Info("a token was made", "token", made.Name, "role", role.String(), "by", made.Creator)
	answer := tokenOf(made)
	answer.Secret = secret.Reveal()
	return answer, nil
}

// maxExpiry is the longest time for which a token can be good, in seconds: a hundred years.
const maxExpiry = 100 * 365 * 24 * 3600

// expiry reads how long a token is good ("90d"), or until when; for ever when empty.
func expiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.Before(now.Add(maxExpiry*time.Second)) {
		return at, nil
	}
	span, err := payload.ParseSince(text)
	if err != nil || span > maxExpiry {
		return time.Time{}, problem.New(problem.Invalid, "a token cannot expire in %q", text).WithHint("write how long it is good (90d, 12h, 30m) or a time such as 2030-01-31T12:00:00Z")
	}
	return now.Add(time.Duration(span) * time.Second), nil
}

func (s *Server) tokens(*http.Request) (api.Tokens, error) {
	all := api.Tokens{Tokens: []api.Token{}}
	for _, t := range s.platform.Tokens.List() {
		all.Tokens = append(all.Tokens, tokenOf(t))
	}
	return all, nil
}

func (s *Server) revokeToken(r *http.Request) (api.Moved, error) {
	name := r.PathValue("name")
	if err := s.platform.Tokens.Revoke(r.Context(), name); err != nil {
		return api.Moved{}, err
	}
	s.opts.Logger.Info("a token was revoked", "token", name, "by", access.Actor(r.Context()))
	return api.Moved{Count: 1}, nil
}
