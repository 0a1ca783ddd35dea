package asl

import (
	"strings"
	"time"
)

func (p *parser) pass(s *state, o *object) {
	if !s.jsonata {
		if n := o.take("Result"); n != nil {
			s.result = n.text
		}
	}
}

func (p *parser) task(s *state, o *object) {
	s.task = &taskSpec{}
	if !o.require("Resource") {
		return
	}
	resource, ok := o.string("Resource")
	if ok {
		p.resource(s, o, resource)
	}
	s.task.timeout = p.seconds(o, "TimeoutSeconds", s.jsonata, 1)
	s.task.heartbeat = p.seconds(o, "HeartbeatSeconds", s.jsonata, 1)
	if t, h := s.task.timeout, s.task.heartbeat; t != nil && h != nil && t.expr == nil && h.expr == nil && h.fixed >= t.fixed {
		o.errorf("HeartbeatSeconds", "The field 'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'")
	}
	if n := o.ofKind("Credentials", '{'); n != nil {
		at := pointer(o.at, "Credentials")
		role := p.object(n, at)
		if role.has("RoleArn.$") {
			role.take("RoleArn.$")
		} else if role.require("RoleArn") {
			role.take("RoleArn")
		}
		s.task.credentials = p.template(n, at, "Credentials", s.jsonata)
	}
}

// resource checks the Resource of a Task state.
func (p *parser) resource(s *state, o *object, resource string) {
	s.task.resource = resource
	s.task.integration = parseIntegration(resource)
	if !checkResource(resource) {
		o.errorf("Resource", "The resource provided %s is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.", resource)
		return
	}
	if !p.express {
		return
	}
	if s.task.integration.sync {
		o.errorf("Resource", "Express state machine does not support '.sync' service integration")
	}
	if s.task.integration.token && s.task.integration.caller == serviceCaller {
		o.errorf("Resource", "Express state machine does not support '.waitForTaskToken' service integration ")
	}
}

func (p *parser) waiting(s *state, o *object) {
	s.wait = &waitSpec{}
	fields := []string{"Seconds", "Timestamp"}
	if !s.jsonata {
		fields = []string{"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}
	}
	if !o.atMostOne(fields...) {
		there := false
		for _, field := range fields {
			there = there || o.has(field)
		}
		if !there {
			o.errorf("", "One of these fields is required: [%s]", strings.Join(fields, ", "))
		}
	}
	s.wait.seconds = p.seconds(o, "Seconds", s.jsonata, 0)
	s.wait.timestamp = p.timestamp(o, s.jsonata)
}

func (p *parser) failing(s *state, o *object) {
	s.fail = &failSpec{err: p.text(o, "Error", s.jsonata), cause: p.text(o, "Cause", s.jsonata)}
}

func (p *parser) parallel(s *state, o *object) {
	if !o.require("Branches") {
		return
	}
	n := o.ofKind("Branches", '[')
	if n == nil {
		return
	}
	at := pointer(o.at, "Branches")
	if len(n.items) == 0 {
		p.errorf(n, at, "Value cannot be empty")
	}
	for i, item := range n.items {
		branchAt := pointerIndex(at, i)
		if item.kind != '{' {
			p.errorf(item, branchAt, "A branch must be an object but is %s", article(item.kindName()))
			continue
		}
		branch := p.object(item, branchAt)
		branch.take("Comment")
		if f := p.flow(branch); f != nil {
			s.branches = append(s.branches, f)
		}
		branch.finish()
	}
}

func (p *parser) errorHandling(b *flowBuilder, s *state, o *object) {
	if n := o.ofKind("Retry", '['); n != nil {
		for i, item := range n.items {
			at := pointerIndex(pointer(o.at, "Retry"), i)
			if item.kind != '{' {
				p.errorf(item, at, "A retrier must be an object but is %s", article(item.kindName()))
				continue
			}
			s.retry = append(s.retry, p.retrier(p.object(item, at), i == len(n.items)-1))
		}
	}
	if n := o.ofKind("Catch", '['); n != nil {
		s.catch = make([]catcher, len(n.items))
		for i, item := range n.items {
			at := pointerIndex(pointer(o.at, "Catch"), i)
			if item.kind != '{' {
				p.errorf(item, at, "A catcher must be an object but is %s", article(item.kindName()))
				continue
			}
			p.catcher(b, s, &s.catch[i], p.object(item, at), i == len(n.items)-1)
		}
	}
}

func (p *parser) retrier(o *object, last bool) retrier {
	r := retrier{interval: time.Second, maxAttempts: 3, backoff: 2}
	o.take("Comment")
	r.errors = p.errorEquals(o, last)
	if seconds, ok := o.whole("IntervalSeconds", 1, maxSeconds); ok {
		r.interval = time.Duration(seconds) * time.Second
	}
	if attempts, ok := o.whole("MaxAttempts", 0, maxSeconds); ok {
		r.maxAttempts = int(attempts)
	}
	if seconds, ok := o.whole("MaxDelaySeconds", 1, 31_622_400); ok {
		r.maxDelay = time.Duration(seconds) * time.Second
	}
	if n := o.ofKind("BackoffRate", '0'); n != nil {
		rate, ok := parseFloat(n.text)
		if !ok || rate < 1 {
			o.errorf("BackoffRate", "The field 'BackoffRate' must be a number of at least 1")
		}
		r.backoff = rate
	}
	if strategy, ok := o.string("JitterStrategy"); ok {
		if strategy != "FULL" && strategy != "NONE" {
			o.errorf("JitterStrategy", "The field 'JitterStrategy' must be FULL or NONE")
		}
		r.jitter = strategy == "FULL"
	}
	o.finish()
	return r
}

func (p *parser) catcher(b *flowBuilder, s *state, c *catcher, o *object, last bool) {
	o.take("Comment")
	c.errors = p.errorEquals(o, last)
	if o.require("Next") {
		b.refer(o, "Next", func(next *state) { c.next = next })
	}
	c.assign = p.assignments(o, s.jsonata)
	if s.jsonata {
		c.output = o.template("Output", true)
	} else {
		c.resultPath = o.resultPath("ResultPath")
	}
	o.finish()
}

// errorEquals reads the error names of a retrier or catcher. States.ALL must stand alone and in the last one.
func (p *parser) errorEquals(o *object, last bool) []string {
	if !o.require("ErrorEquals") {
		return nil
	}
	n := o.ofKind("ErrorEquals", '[')
	if n == nil {
		return nil
	}
	if len(n.items) == 0 {
		o.errorf("ErrorEquals", "The field 'ErrorEquals' must not be empty")
	}
	var names []string
	for _, item := range n.items {
		if item.kind != '"' {
			o.errorf("ErrorEquals", "The field 'ErrorEquals' must be an array of strings")
			return nil
		}
		names = append(names, item.str)
		if item.str == errAll && (len(n.items) > 1 || !last) {
			o.errorf("ErrorEquals", "States.ALL must stand alone, and in the last element")
		}
	}
	return names
}
