package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// requests counts what was asked. Its labels are the patterns of the table of routes, so that no path of a caller becomes one.
type requests struct {
	registry *prometheus.Registry
	total    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newRequests() *requests {
	r := &requests{
		registry: prometheus.NewRegistry(),
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sundog_http_requests_total", Help: "HTTP requests by route and status; the route is none for what was refused before or is at no route.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sundog_http_request_seconds", Help: "How long answers to HTTP requests took, to their last byte.",
			Buckets: []float64{.001, .005, .025, .1, .5, 1, 5, 30},
		}, []string{"route"}),
	}
	r.registry.MustRegister(r.total, r.seconds)
	return r
}

func (r *requests) count(pattern string, status int, took time.Duration) {
	if pattern == "" || pattern == "/" {
		pattern = "none"
	}
	if status == 0 {
		status = http.StatusOK
	}
	r.total.WithLabelValues(pattern, strconv.Itoa(status)).Inc()
	r.seconds.WithLabelValues(pattern).Observe(took.Seconds())
}

// answer remembers the status of an answer. What else a connection can do is reached through Unwrap (http.ResponseController).
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// metrics answers with the metrics of the platform and of the server.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(prometheus.Gatherers{s.platform.Metrics.Registry, s.requests.registry}, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}
