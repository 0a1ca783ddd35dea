package server

import (
	"net/http"

	"sundog/internal/api"
	"sundog/internal/request"
)

func (s *Server) log(r *http.Request) (api.Log, error) {
	asked, err := request.LogOf(r)
	if err != nil {
		return api.Log{}, err
	}
	lines, err := s.platform.Logs.Read(asked.Stream, asked.From, asked.Limit)
	if err != nil {
		return api.Log{}, err
	}
	answer := api.Log{Stream: asked.Stream, Lines: []api.LogLine{}}
	for _, line := range lines {
		answer.Lines = append(answer.Lines, api.LogLine{Time: line.Time, Text: line.Text})
	}
	if len(lines) == asked.Limit {
		answer.Next = int64(lines[len(lines)-1].Number) + 1
	}
	return answer, nil
}

func (s *Server) logStreams(r *http.Request) (api.LogStreams, error) {
	limit, err := request.Number(r, "limit", 100, 1, 1000)
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
