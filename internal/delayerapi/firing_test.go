package delayerapi_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"sundog/internal/delayerapi"
	"sundog/internal/schedule"
)

// TestFiringsAreReadAsTheyWereAskedFor writes the action of a request as a fired schedule has it, and reads it again.
func TestFiringsAreReadAsTheyWereAskedFor(t *testing.T) {
	for _, action := range []string{
		requestHTTP, requestQueue, requestLambda, requestCustom,
		`{"type":"http-request","httpRequestConfig":{"method":"GET","url":"https://example.com"}}`,
		`{"type":"sqs-send","sqsSendConfig":{"queueName":"q"}}`,
		`{"type":"lambda-call","lambdaCallConfig":{"functionName":"f"}}`,
	} {
		asked, err := delayerapi.Parse([]byte(requestWith(action)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := fireAgain(asked)
		got.PointInTime, asked.Draft.Context.Headers = asked.PointInTime, got.Draft.Context.Headers
		if err != nil || !got.Draft.At.Equal(asked.Draft.At) || !reflect.DeepEqual(got.Draft.Action, asked.Draft.Action) || got.Draft.Context.Payload != "text" {
			t.Errorf("%s is read as %+v, %v", action, got, err)
		}
		if want := (schedule.Header{Name: "C", Value: "3"}); len(got.Draft.Context.Headers) != 3 || got.Draft.Context.Headers[2] != want {
			t.Errorf("the headers are %+v", got.Draft.Context.Headers)
		}
	}
}

// fireAgain reads a request as it is written when it fires.
func fireAgain(asked delayerapi.Request) (delayerapi.Request, error) {
	config, err := delayerapi.ActionConfig(asked.Draft.Action)
	if err != nil {
		return delayerapi.Request{}, err
	}
	text, err := json.Marshal(schedule.Firing{
		ScheduleID: "a", PointInTime: asked.Draft.At.Unix(), ActionConfig: config, Context: asked.Draft.Context.Firing(),
	})
	if err != nil {
		return delayerapi.Request{}, err
	}
	f, err := delayerapi.ReadFiring(text)
	if err != nil {
		return delayerapi.Request{}, err
	}
	return delayerapi.ParseFiring(asked.Draft.Action.Type, f)
}

// text is an action as JSON.
func text(t *testing.T, a schedule.Action) string {
	t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFiringsThatAreRefused(t *testing.T) {
	good := schedule.Firing{ScheduleID: "a", PointInTime: 1840558315, ActionConfig: json.RawMessage(`{"functionName":"f"}`)}
	for name, c := range map[string]struct {
		kind   schedule.ActionType
		change func(*schedule.Firing)
	}{
		"of another type":      {schedule.QueueAction, func(*schedule.Firing) {}},
		"of no type":           {schedule.PayloadAction, func(*schedule.Firing) {}},
		"without a time":       {schedule.LambdaAction, func(f *schedule.Firing) { f.PointInTime = 0 }},
		"without its config":   {schedule.LambdaAction, func(f *schedule.Firing) { f.ActionConfig = nil }},
		"with half its config": {schedule.LambdaAction, func(f *schedule.Firing) { f.ActionConfig = json.RawMessage(`{"a"`) }},
	} {
		f := good
		c.change(&f)
		if _, err := delayerapi.ParseFiring(c.kind, f); !errors.Is(err, schedule.ErrInvalid) {
			t.Errorf("a firing %s: %v", name, err)
		}
	}
	if _, err := delayerapi.ParseFiring(schedule.LambdaAction, good); err != nil {
		t.Error(err)
	}
}

// TestFiringsOfDelayer reads what delayer-aws writes: an action and a context that are texts.
func TestFiringsOfDelayer(t *testing.T) {
	f, err := delayerapi.ReadFiring([]byte(`{"scheduleId":"a","pointInTime":1528662600,"apiKey":"k","topicArn":"t",
		"actionConfig":"{ \"method\" : \"GET\", \"url\" : \"https://example.com/\" }","context":"{ \"headers\" : [], \"payload\": \"p\" }"}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := delayerapi.ParseFiring(schedule.HTTPAction, f)
	if err != nil || r.Draft.Action.HTTP.URL != "https://example.com/" || r.Draft.Context.Payload != "p" || r.Draft.At.Unix() != 1528662600 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, message := range []string{``, `[]`, `{}`, `{"scheduleId":1}`, `{"scheduleId":"a","context":[]}`, `{"scheduleId":"a","context":"text"}`} {
		if f, err := delayerapi.ReadFiring([]byte(message)); !errors.Is(err, schedule.ErrInvalid) {
			t.Errorf("%s: %+v, %v", message, f, err)
		}
	}
}

// FuzzReadFiring looks for messages that are neither read nor refused.
func FuzzReadFiring(f *testing.F) {
	f.Add([]byte(`{"scheduleId":"a","pointInTime":1528662600,"topicArn":"t","actionConfig":{"functionName":"f"},"context":{"headers":[{"A":"1"}],"payload":"p"}}`))
	f.Add([]byte(`{"scheduleId":"a","pointInTime":1528662600,"actionConfig":"{\"queueName\":\"q\"}","context":"{}"}`))
	f.Add([]byte(`{"scheduleId":"a","actionConfig":"\"","context":null}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		firing, err := delayerapi.ReadFiring(message)
		if err != nil {
			if !errors.Is(err, schedule.ErrInvalid) {
				t.Fatalf("%q: %v", message, err)
			}
			return
		}
		for _, kind := range schedule.ActionTypes() {
			r, err := delayerapi.ParseFiring(kind, firing)
			if err == nil && (r.Draft.Action.Type != kind || r.Draft.At.Unix() != firing.PointInTime) || err != nil && !errors.Is(err, schedule.ErrInvalid) {
				t.Fatalf("%q as %s: %+v, %v", message, kind, r, err)
			}
		}
	})
}
