package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// serve is a client of the AWS Lambda Runtime API: it asks for the next event, handles it, and reports the result, for ever.
// Any other Lambda runtime would do, in any language; this one shows that there is no magic in it.
func serve(api string, handle func(event []byte) ([]byte, error)) error {
	if api == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set; start this program as a function of the type lambda")
	}
	base := "http://" + api + "/2018-06-01/runtime/invocation/"
	for {
		request, event, err := next(base)
		if err != nil {
			return err
		}
		result, err := handle(event)
		if err != nil {
			err = post(base+request+"/error", failure(err))
		} else {
			err = post(base+request+"/response", result)
		}
		if err != nil {
			return err
		}
	}
}

func next(base string) (request string, event []byte, err error) {
	answer, err := http.Get(base + "next") //nolint:noctx // it waits until there is an event, or the process is ended
	if err != nil {
		return "", nil, fmt.Errorf("ask for the next event: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("ask for the next event: %s", answer.Status)
	}
	event, err = io.ReadAll(answer.Body)
	return answer.Header.Get("Lambda-Runtime-Aws-Request-Id"), event, err
}

func post(url string, body []byte) error {
	answer, err := http.Post(url, "application/json", bytes.NewReader(body)) //nolint:noctx // a call within this machine
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusAccepted {
		return fmt.Errorf("report: %s", answer.Status)
	}
	return nil
}

// failure is an error in the form of the Runtime API.
func failure(err error) []byte {
	report := struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{err.Error(), "Error"}
	var named *taskError
	if errors.As(err, &named) {
		report.Message, report.Type = named.message, named.name
	}
	body, _ := json.Marshal(report) // two texts are always JSON
	return body
}
