// Package server is Sundog's HTTP surface: the API under /v1 over an embedded platform. It turns requests into calls and errors into
// problem documents (RFC 9457); it decides nothing.
//
// # Promises
//
//   - What it accepts is on disk when the answer says so.
//   - Bodies, pages and the time of a request are bounded. A body of NDJSON is worked through as it comes, whatever its length.
//   - Every path is in one table (routes.go) with the role that it needs; whoever has a lower one gets a 403. Without an administrator's token
//     the server listens on loopback only, and takes whoever comes from there for the administrator.
//   - Callers are limited in their rate, each for itself; those who show a wrong token too.
//   - What it says of itself at /v1/openapi.json is made of the same table.
//   - Close lets requests that are being answered end.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"sundog/internal/access"
	"sundog/internal/awsjson"
	"sundog/internal/cirrusapi"
	"sundog/internal/embedded"
	"sundog/internal/operations"
	"sundog/internal/problem"
	"sundog/internal/server/ratelimit"
)

// Bounds of a request.
const (
	maxHeader   = 64 << 10
	headerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	closingTime = 10 * time.Second // for requests that are being answered when the server is told to stop
)

// Options of a server.
type Options struct {
	// Listen is host:port. A host other than loopback wants a token: this one, or an administrator's in the store. Port 0 is any free one.
	Listen string
	// Token is one that may do everything, shown as "Authorization: Bearer <token>"; empty: only those in the store count.
	Token string
	// Version shows in /v1/health.
	Version string
	Logger  *slog.Logger
}

// Server answers HTTP requests for a platform.
type Server struct {
	opts     Options
	platform *embedded.Platform
	listener net.Listener
	http     *http.Server
	token    *access.Digest
	limiter  *ratelimit.Limiter
	requests *requests
	closing  context.Context // ends when the server is told to stop, for answers that have no end
	close    context.CancelCauseFunc

	*operations.Surface
	records    *operations.Records
	jobs       *operations.Jobs
	payloads   *operations.Payloads
	cirrusAPI  *cirrusapi.API
	aws        *awsjson.Handler
	onLoopback bool
}

// Listen opens the port. It refuses an address that others can reach when there is no token.
func Listen(ctx context.Context, platform *embedded.Platform, opts Options) (*Server, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	host, _, err := net.SplitHostPort(opts.Listen)
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "listening on %q", opts.Listen).WithHint("use host:port, such as 127.0.0.1:8123")
	}
	if opts.Token == "" && !loopback(host) && !platform.Tokens.Guarded() {
		return nil, problem.New(problem.Invalid, "listening on %q: others could reach the server and it asks for no token", opts.Listen).
			WithHint("set SUNDOG_TOKEN or --token-file, or listen on 127.0.0.1")
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", opts.Listen)
	if err != nil {
		return nil, problem.Wrap(problem.Unavailable, err, "listening on %s", opts.Listen).WithHint("is another server running? --listen takes another port")
	}
	s := &Server{opts: opts, platform: platform, listener: listener, cirrusAPI: newCirrusAPI(platform), onLoopback: loopback(host)}
	rate := platform.Project.Limits.RequestsPerSecond
	s.limiter = ratelimit.New(rate, 2*rate)
	s.requests = newRequests()
	s.closing, s.close = context.WithCancelCause(context.WithoutCancel(ctx))
	if opts.Token != "" {
		digest := access.DigestOf(opts.Token)
		s.token = &digest
	}
	s.aws = newAWS(platform, opts)
	s.operate()
	s.http = &http.Server{
		Handler:           s.guard(s.routes()),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

func loopback(host string) bool {
	host = strings.TrimPrefix(host, "sync-") // which AWS's clients put before any host, for two operations
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true // RFC 6761, section 6.3
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// URL is where the server is.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Serve answers requests until ctx ends, then lets those under way end.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving HTTP: %w", err)
	case <-ctx.Done():
	}
	s.close(http.ErrServerClosed)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	err := s.http.Shutdown(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close() // somebody reads slowly, or streams for ever
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// guard is around every request: it names it, counts it, finds out who asks and keeps a panic to itself.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		w := &answer{ResponseWriter: plain}
		defer func(began time.Time) { s.requests.count(r.Pattern, w.status, time.Since(began)) }(time.Now())
		w.Header().Set("X-Request-Id", uuid.NewString())
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				s.Fail(w, r, fmt.Errorf("panic: %v", p))
			}
		}()
		if crossOrigin(w, r) {
			return
		}
		caller, err := s.admit(w, r)
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		if foreign(r) && !dashboard(r, caller) {
			s.Fail(w, r, problem.New(problem.Forbidden, "a page of another site may not do this"))
			return
		}
		r = s.withTrace(withCaller(r, caller))
		next.ServeHTTP(w, r)
	})
}

// untilClosing is the context of a request, for a time at most, that also ends, with http.ErrServerClosed as its cause, when the server is
// told to stop.
func (s *Server) untilClosing(r *http.Request, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(s.closing, func() { cancel(http.ErrServerClosed) })
	limited, done := context.WithTimeout(ctx, limit)
	return limited, func() {
		done()
		stop()
		cancel(nil)
	}
}

// hostname is a Host header without its port. Without a token it has to be loopback's: a page can have a name of its own lead here (DNS
// rebinding), and is then of the same origin.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// foreign recognises a request that a browser makes for a page of another site: without a token such a page could do
// everything that the user can.
func foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host
}
