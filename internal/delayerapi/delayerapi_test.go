package delayerapi_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sundog/internal/delayerapi"
	"sundog/internal/schedule"
)

// requestWith is a request with an action.
func requestWith(action string) string {
	return `{"schedule":{"pointInTime":"2028-04-28T15:11:55-0300"},"context":{"headers":[{"A":"1","B":"2"},{"C":"3"}],"payload":"text"},"action":` + action + `}`
}

const (
	requestHTTP   = `{"type":"http-request","httpRequestConfig":{"method":"PATCH","url":"https://example.com/a?b=c","requestType":"FIRE_FORGET"}}`
	requestQueue  = `{"type":"sqs-send","sqsSendConfig":{"queueName":"q","payload":"p","messageAttributes":[{"a":"b"}]}}`
	requestLambda = `{"type":"lambda-call","lambdaCallConfig":{"functionName":"f","payload":{"a":1}}}`
	requestCustom = `{"type":"custom","customConfig":{"configName":"mine","topicArn":"arn:aws:sns:us-east-1:000000000000:news","more":[1]}}`
)

func TestParse(t *testing.T) {
	for action, want := range map[string]string{
		requestHTTP:   `{"type":"http-request","http":{"method":"PATCH","url":"https://example.com/a?b=c","request_type":"FIRE_FORGET","append_path":true}}`,
		requestQueue:  `{"type":"sqs-send","queue":{"queue":"q","body":"p","attributes":[{"name":"a","value":"b"}]}}`,
		requestLambda: `{"type":"lambda-call","lambda":{"function":"f","event":{"a":1}}}`,
		requestCustom: `{"type":"custom","custom":{"topic":"arn:aws:sns:us-east-1:000000000000:news",` +
			`"config":{"configName":"mine","topicArn":"arn:aws:sns:us-east-1:000000000000:news","more":[1]}}}`,
	} {
		r, err := delayerapi.Parse([]byte(requestWith(action)))
		if err != nil {
			t.Errorf("%s: %v", action, err)
			continue
		}
		if got, err := json.Marshal(r.Draft.Action); err != nil || string(got) != want {
			t.Errorf("%s is %s, want %s, %v", action, got, want, err)
		}
		if got, err := json.Marshal(r.Draft.Context); err != nil ||
			string(got) != `{"headers":[{"name":"A","value":"1"},{"name":"B","value":"2"},{"name":"C","value":"3"}],"payload":"text"}` {
			t.Errorf("the context is %s, %v", got, err)
		}
		if r.PointInTime != "2028-04-28T15:11:55-0300" || !r.Draft.At.Equal(time.Date(2028, 4, 28, 18, 11, 55, 0, time.UTC)) {
			t.Errorf("the point in time is %s, %s", r.PointInTime, r.Draft.At)
		}
	}
	r, err := delayerapi.Parse([]byte(strings.Replace(requestWith(requestQueue), `"2028-04-28T15:11:55-0300"`, "1840558315", 1)))
	if err != nil || r.PointInTime != "1840558315" || r.Draft.At.Unix() != 1840558315 {
		t.Errorf("Unix seconds: %+v, %v", r, err)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	good := requestWith(requestHTTP)
	for _, c := range []struct{ old, replacement, want string }{
		{good, ``, "the body is not JSON"},
		{good, `{`, "the body is not JSON"},
		{good, `[]`, "an object"},
		{good, `null`, "an object"},
		{good, good + "1", "the body is not JSON"},
		{`"schedule":{`, `"Schedule":{`, "Schedule is not known"},
		{`"schedule":{"pointInTime":"2028-04-28T15:11:55-0300"},`, ``, "schedule is missing"},
		{`"2028-04-28T15:11:55-0300"`, `"tomorrow"`, "schedule.pointInTime cannot be"},
		{`"2028-04-28T15:11:55-0300"`, `true`, "schedule.pointInTime cannot be"},
		{`"2028-04-28T15:11:55-0300"`, `-1`, "schedule.pointInTime cannot be"},
		{`"pointInTime":`, `"zone":"UTC","pointInTime":`, "schedule.zone is not known"},
		{`"context":{`, `"context":{"body":1,`, "context.body is not known"},
		{`"payload":"text"`, `"payload":{}`, "context.payload cannot be"},
		{`{"A":"1","B":"2"}`, `{"A":1}`, "context.headers[0].A cannot be"},
		{`[{"A":"1","B":"2"},{"C":"3"}]`, `{}`, "context.headers cannot be"},
		{`,"action":` + requestHTTP, ``, "action is missing"},
		{`"type":"http-request",`, ``, "action.type is missing"},
		{`"http-request"`, `"sqs-send"`, "an action of type sqs-send does not have it"},
		{`"http-request"`, `"sms"`, "action.type cannot be"},
		{`"PATCH"`, `"TRACE"`, "action.httpRequestConfig.method cannot be"},
		{`"FIRE_FORGET"`, `"LATER"`, "action.httpRequestConfig.requestType cannot be"},
		{`https:`, `ftp:`, "action.httpRequestConfig.url cannot be"},
		{`"requestType"`, `"timeout"`, "action.httpRequestConfig.timeout is not known"},
	} {
		body := strings.Replace(good, c.old, c.replacement, 1)
		_, err := delayerapi.Parse([]byte(body))
		if !errors.Is(err, schedule.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", body, err, c.want)
		}
	}
}

// FuzzParse looks for requests that are taken and should not be, for errors that say nothing, and for actions that change on their way.
func FuzzParse(f *testing.F) {
	for _, action := range []string{requestHTTP, requestQueue, requestLambda, requestCustom} {
		f.Add([]byte(requestWith(action)))
	}
	f.Add([]byte(`{"schedule":{"pointInTime":1840558315.5},"context":{},"action":{"type":"custom","customConfig":{"topicArn":"t"}}}`))
	f.Add([]byte(`{"schedule":null,"context":{"headers":[null]},"action":{"type":""}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := delayerapi.Parse(body)
		if err != nil {
			if !errors.Is(err, schedule.ErrInvalid) || len(err.Error()) > 2000 {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		var top map[string]json.RawMessage
		if err := json.Unmarshal(body, &top); err != nil || len(top) != 3 {
			t.Fatalf("%q was taken", body)
		}
		if r.Draft.At.IsZero() || r.PointInTime == "" {
			t.Fatalf("%q has no point in time: %+v", body, r)
		}
		if err := r.Draft.Action.Check(); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		if seconds := r.Draft.At.Unix(); seconds > 1e8 && seconds < 1e12 {
			again, err := fireAgain(r)
			if want, got := text(t, r.Draft.Action), text(t, again.Draft.Action); err != nil || got != want {
				t.Fatalf("%q fires as %s, want %s, %v", body, got, want, err)
			}
		}
	})
}

func TestMendedTwice(t *testing.T) {
	for field, want := range map[string]string{
		"at": "schedule.pointInTime", "action.http.url": "action.httpRequestConfig.url", "action.queue.attributes[1].name": "action.sqsSendConfig.messageAttributes[1].name",
		"action.lambda": "action.lambdaCallConfig", "action.type": "action.type", "context.payload": "context.payload",
	} {
		err := delayerapi.Mended(delayerapi.Mended(schedule.Wrong(field, "x", "another")))
		if wrong, ok := errors.AsType[*schedule.FieldError](err); !ok || wrong.Field != want {
			t.Errorf("%s is %v, want %s", field, err, want)
		}
	}
}
