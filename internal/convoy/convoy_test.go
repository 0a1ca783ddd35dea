package convoy_test

import (
	"context"
	"testing"

	"sundog/internal/convoy"
)

func stands(still <-chan struct{}) bool {
	select {
	case <-still:
		return true
	default:
		return false
	}
}

func TestStandsWhenNobodyMoves(t *testing.T) {
	c := convoy.New()
	for range 3 {
		c.Join()
	}
	first := c.Still()
	c.Halt()
	c.Halt()
	if stands(first) || stands(c.Still()) {
		t.Fatal("one still moves")
	}
	if c.Leave(); !stands(first) {
		t.Fatal("nobody moves")
	}
	c.Go()
	c.Go()
	again := c.Still()
	if c.Halt(); stands(again) {
		t.Fatal("one went on")
	}
	if c.Leave(); !stands(again) || !stands(first) {
		t.Fatal("nobody moves again")
	}
}

// TestRest has members wait for two answers. Each moves from the second answer on, not only from when it finds the time to go on.
func TestRest(t *testing.T) {
	c := convoy.New()
	rests := make([]*convoy.Rest, 3)
	for i := range rests {
		c.Join()
		rests[i] = c.Rest()
		rests[i].Expect()
		rests[i].Expect()
	}
	still := c.Still()
	rests[0].Answer()
	rests[0].Answer() // both are there before it stands
	rests[0].Stand()
	rests[1].Stand()
	rests[2].Stand()
	if stands(still) {
		t.Fatal("the first moves: it has its answers")
	}
	c.Halt()
	if !stands(still) {
		t.Fatal("two wait for answers, one for something else")
	}
	rests[1].Answer()
	if !stands(c.Still()) {
		t.Fatal("an answer is missing")
	}
	rests[1].Answer()
	again := c.Still()
	rests[1].End()
	if stands(again) {
		t.Fatal("the second moves")
	}
	rests[2].End()
	rests[2].Answer() // too late
	c.Leave()
	if stands(again) {
		t.Fatal("the third has given up waiting, and moves")
	}
	if c.Leave(); !stands(again) {
		t.Fatal("nobody moves")
	}
}

func TestWithoutConvoy(t *testing.T) {
	c := convoy.From(t.Context())
	if c != nil {
		t.Fatal("there is one")
	}
	c.Join()
	if !stands(c.Still()) {
		t.Error("it waits for nobody")
	}
	c.Halt()
	c.Go()
	c.Leave()
	if one := convoy.New(); convoy.From(convoy.With(context.Background(), one)) != one {
		t.Error("another came back")
	}
}
