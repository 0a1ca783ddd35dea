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
