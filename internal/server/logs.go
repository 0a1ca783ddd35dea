package server

import (
	"net/http"

	"sundog/internal/api"
	"sundog/internal/problem"
)

func (s *Server) log(r *http.Request) (api.Log, error) {
	stream := r.URL.Query().Get("stream")
	if stream == "" {
		return api.Log{}, problem.New(problem.Invalid, "the parameter stream is missing").WithHint("GET %s lists the streams", api.PathLogStreams)
	}
	from, err := number(r, "next", 0, 0, 1<<40)
	if err != nil {
		return api.Log{}, err
	}
	limit, err := number(r, "limit", 1000, 1, 10000)
	if err != nil {
		return api.Log{}, err
	}
	lines, err := s.platform.Logs.Read(stream, from, limit)
	if err != nil {
		return api.Log{}, err
	}
	answer := api.Log{Stream: stream, Lines: []api.LogLine{}}
	for _, line := range lines {
		answer.Lines = append(answer.Lines, api.LogLine{Time: line.Time, Text: line.Text})
	}
	if len(lines) == limit {
		answer.Next = int64(lines[limit-1].Number) + 1
	}
	return answer, nil
}

func (s *Server) logStreams(r *http.Request) (api.LogStreams, error) {
	limit, err := number(r, "limit", 100, 1, 1000)
	if err != nil {
		return api.LogStreams{}, err
	}
	streams, err := s.platform.Logs.List(r.URL.Query().Get("prefix"), r.URL.Query().Get("next"), limit)
	if err != nil {
		return api.LogStreams{}, err
	}
	page := api.LogStreams{Streams: []api.LogStream{}}
	for _, stream := range streams {
		page.Streams = append(page.Streams, api.LogStream{Name: stream.Name, Start: stream.Created, Bytes: stream.Bytes})
	}
	if len(streams) == limit {
		page.Next = streams[limit-1].Name
	}
	return page, nil
}
