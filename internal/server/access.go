package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sundog/internal/access"
	tokens "sundog/internal/embedded/access"
	"sundog/internal/problem"
)

// caller finds out who asks: whoever shows a good token, or, as long as there is no administrator and the server listens on loopback, anybody
// there.
func (s *Server) caller(r *http.Request) (access.Token, error) {
	if isAWS(r) {
		return s.awsCaller(r)
	}
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || shown == "" {
		return s.local(r)
	}
	if s.token != nil && s.token.Equal(access.DigestOf(shown)) {
		return access.Token{Name: access.ActorServer, Role: access.Administer}, nil
	}
	found, err := s.platform.Tokens.Check(shown)
	if err != nil {
		hint := "an administrator makes a new one: sundog tokens create"
		if errors.Is(err, tokens.ErrUnknown) {
			hint = "it was mistyped or revoked; send none where none is needed"
		}
		return access.Token{}, problem.Wrap(problem.Unauthorized, err, "%s %s", r.Method, r.URL.Path).WithHint("%s", hint)
	}
	return found, nil
}

// awsCaller is who makes a request in AWS's protocol, which is signed: with the server's own token as its secret, as the handler checks. Of the
// tokens that were made later only digests are kept, with which no signature can be checked.
func (s *Server) awsCaller(r *http.Request) (access.Token, error) {
	if s.token != nil {
		return access.Token{Name: access.ActorServer, Role: access.Administer}, nil
	}
	caller, err := s.local(r)
	if problem.Is(err, problem.Unauthorized) {
		return caller, problem.New(problem.Unauthorized, "AWS's clients sign with the token that the server was started with, and it was started without one").
			WithHint("start it with SUNDOG_TOKEN or --token-file")
	}
	return caller, err
}

// local is a caller without a token.
func (s *Server) local(r *http.Request) (access.Token, error) {
	if s.token != nil || !s.onLoopback || s.platform.Tokens.Guarded() {
		return access.Token{}, problem.New(problem.Unauthorized, "%s %s needs a token", r.Method, r.URL.Path).
			WithHint("send it as Authorization: Bearer TOKEN (commands: SUNDOG_TOKEN or --token-file)")
	}
	if !loopback(hostname(r.Host)) {
		return access.Token{}, problem.New(problem.Forbidden, "without a token the server answers to loopback names only, not to %q", r.Host).
			WithHint("use http://%s, or send a token", s.listener.Addr())
	}
	return access.Token{Name: access.ActorLocal, Role: access.Administer}, nil
}

type callerKey struct{}

// withCaller returns a request in whose context the caller is known.
func withCaller(r *http.Request, caller access.Token) *http.Request {
	ctx := context.WithValue(r.Context(), callerKey{}, caller)
	return r.WithContext(access.WithActor(ctx, caller.Name))
}

// permit serves those who have a role.
func (s *Server) permit(role access.Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := r.Context().Value(callerKey{}).(access.Token) // without one its role is none
		if caller.Role < role {
			s.Fail(w, r, problem.New(problem.Forbidden, "%s %s needs the role %s; the token %q has the role %s", r.Method, r.URL.Path, role, caller.Name, caller.Role).
				WithHint("an administrator makes such a token: sundog tokens create --name NAME --role %s", role))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admit finds out who asks and whether he asks too often. Those whose token is not good are counted by their address, so that nobody can try
// many.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (access.Token, error) {
	caller, err := s.caller(r)
	name := "token " + caller.Name
	if err != nil || caller.Name == access.ActorLocal {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		name = "address " + host
	}
	if wait := s.limiter.Allow(name, time.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		return caller, problem.New(problem.Limit, "more than %d requests a second from one caller", s.platform.Project.Limits.RequestsPerSecond).
			WithHint("try again later, send many payloads in one request, or raise requests_per_second under limits in sundog.yaml")
	}
	if problem.Is(err, problem.Unauthorized) {
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110, section 11.6.1
	}
	return caller, err
}
