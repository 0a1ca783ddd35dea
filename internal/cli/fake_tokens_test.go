package cli_test

import (
	"encoding/json"
	"net/http"
	"time"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/problem"
)

// tokens are two tokens, and every new one has the same text.
func tokens(mux *http.ServeMux) {
	soon := start.Add(90 * 24 * time.Hour)
	mux.HandleFunc("POST "+api.PathTokens, answer(func(r *http.Request) (any, error) {
		var req api.CreateToken
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			return nil, problem.Wrap(problem.Invalid, err, "reading the body")
		}
		if _, err := access.ParseRole(req.Role); err != nil {
			return nil, problem.Wrap(problem.Invalid, err, "")
		}
		made := api.Token{Name: req.Name, Role: req.Role, Created: start, Secret: "sundog_id_key"}
		if req.Expires == "90d" {
			made.Expires = &soon
		}
		return made, nil
	}))
	mux.HandleFunc("GET "+api.PathTokens, answer(func(*http.Request) (any, error) {
		return api.Tokens{Tokens: []api.Token{
			{Name: "ci", Role: "operate", Created: start, Creator: "boss"},
			{Name: "old", Role: "read", Created: start, Creator: "boss", Expires: &soon, Expired: true},
		}}, nil
	}))
	mux.HandleFunc("DELETE "+api.PathTokens+"/{name}", answer(func(r *http.Request) (any, error) {
		if r.PathValue("name") != "ci" {
			return nil, problem.New(problem.NotFound, "there is no such token")
		}
		return api.Moved{Count: 1}, nil
	}))
}
