package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sundog/internal/api"
	"sundog/internal/schedule"
)

// postDelayer posts to the API of delayer-aws, and returns the status and what the answer says.
func (r *running) postDelayer(body string) (int, map[string]string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.Server()+api.PathDelayer, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	answer := map[string]string{}
	if err != nil || json.Unmarshal(text, &answer) != nil || resp.Header.Get("Content-Type") != "application/json" {
		r.t.Fatalf("%d %s %v", resp.StatusCode, text, err)
	}
	return resp.StatusCode, answer
}

func TestDelayer(t *testing.T) {
	r := startWith(t, "", egress)
	url, got := receiver(t, http.StatusOK)
	at := time.Now().Add(3 * time.Second).Truncate(time.Second).In(time.FixedZone("", -3*3600)).Format("2006-01-02T15:04:05-0700")
	status, answer := r.postDelayer(fmt.Sprintf(`{"schedule":{"pointInTime":%q},"context":{"headers":[{"X-A":"1"},{"X-B":"2"}],"payload":"text"},
		"action":{"type":"http-request","httpRequestConfig":{"method":"POST","url":%q,"requestType":"FIRE_FORGET"}}}`, at, url+"/call"))
	if status != http.StatusCreated || answer["pointInTime"] != at || answer["scheduleId"] == "" || len(answer) != 2 {
		t.Fatalf("%d %v", status, answer)
	}
	request := await(t, got)
	moment, err := time.Parse("2006-01-02T15:04:05-0700", at)
	if err != nil || time.Now().Before(moment) {
		t.Errorf("early, or %v", err)
	}
	body, _ := io.ReadAll(request.Body)
	if want := fmt.Sprintf("/call/fireforget/%s/%d", answer["scheduleId"], moment.Unix()); request.URL.Path != want || string(body) != "text" ||
		request.Header.Get("X-A") != "1" || request.Header.Get("X-B") != "2" {
		t.Errorf("%s %v %q, want %s", request.URL, request.Header, body, want)
	}
	if events := r.waitEvents(answer["scheduleId"], schedule.EventDelivered); events[0].Action != schedule.HTTPAction {
		t.Errorf("%+v", events)
	}

	later := time.Now().Add(time.Hour).Unix()
	for _, action := range []string{
		`{"type":"sqs-send","sqsSendConfig":{"queueName":"reviews","payload":"p","messageAttributes":[{"a":"b"}]}}`,
		`{"type":"lambda-call","lambdaCallConfig":{"functionName":"echo","payload":{"a":1}}}`,
		`{"type":"custom","customConfig":{"configName":"mine","topicArn":"arn:aws:sns:us-east-1:000000000000:publish","more":[1]}}`,
	} {
		status, answer := r.postDelayer(fmt.Sprintf(`{"schedule":{"pointInTime":%d},"context":{},"action":%s}`, later, action))
		if status != http.StatusCreated || answer["pointInTime"] != fmt.Sprint(later) {
			t.Errorf("%s: %d %v", action, status, answer)
		}
	}
	status, answer = r.postDelayer(`{"schedule":{"pointInTime":"2018-04-28T15:11:55-0300"},"context":{},"action":{"type":"sqs-send","sqsSendConfig":{"queueName":"reviews"}}}`)
	if status != http.StatusBadRequest || !strings.Contains(answer["message"], "schedule.pointInTime") || len(answer) != 1 {
		t.Errorf("the past: %d %v", status, answer)
	}
	if status, answer = r.postDelayer(strings.Repeat("[", 5<<20)); status != http.StatusRequestEntityTooLarge || answer["message"] == "" {
		t.Errorf("a body of 5 MB: %d %v", status, answer)
	}
}
