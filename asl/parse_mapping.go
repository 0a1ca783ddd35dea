package asl

func (p *parser) mapping(s *state, o *object) {
	s.mapping = &mapSpec{}
	p.processor(s, o)
	if s.jsonata {
		s.mapping.items = p.items(o)
		s.mapping.itemSelector = o.template("ItemSelector", true)
	} else {
		s.mapping.itemsPath = o.path("ItemsPath", false)
		o.atMostOne("ItemSelector", "Parameters")
		s.mapping.itemSelector = o.template("ItemSelector", false)
		if s.mapping.itemSelector == nil {
			s.mapping.itemSelector = o.template("Parameters", false)
		}
	}
	s.mapping.maxConcurrency = p.seconds(o, "MaxConcurrency", s.jsonata, 0)
	p.distributed(s, o)
}

// items reads Items: an array, or an expression that gives one.
func (p *parser) items(o *object) *template {
	if n := o.left["Items"]; n != nil && n.kind != '[' && n.kind != '{' && (n.kind != '"' || !isJSONata(n.str)) {
		o.errorf("Items", "The field 'Items' must be an array or a JSONata expression")
		return nil
	}
	return o.template("Items", true)
}

// processor reads ItemProcessor, or Iterator as it was called before.
func (p *parser) processor(s *state, o *object) {
	if !o.has("ItemProcessor") && !o.has("Iterator") {
		o.errorf("", "The field 'ItemProcessor' is required but was missing")
		return
	}
	o.atMostOne("ItemProcessor", "Iterator")
	for _, field := range []string{"ItemProcessor", "Iterator"} {
		n := o.ofKind(field, '{')
		if n == nil {
			continue
		}
		processor := p.object(n, pointer(o.at, field))
		processor.take("Comment")
		if config := processor.ofKind("ProcessorConfig", '{'); config != nil {
			c := p.object(config, pointer(processor.at, "ProcessorConfig"))
			mode, ok := c.string("Mode")
			if ok && mode != "INLINE" && mode != "DISTRIBUTED" {
				c.errorf("Mode", "The field 'Mode' must be INLINE or DISTRIBUTED")
			}
			kind, ok := c.string("ExecutionType")
			if ok && kind != "STANDARD" && kind != "EXPRESS" {
				c.errorf("ExecutionType", "The field 'ExecutionType' must be STANDARD or EXPRESS")
			}
			if mode == "DISTRIBUTED" {
				s.mapping.run = &runSpec{express: kind == "EXPRESS"}
			}
			c.finish()
		}
		around := p.express
		if s.mapping.run != nil {
			p.express = s.mapping.run.express // the children are executions of that type, whatever starts them
		}
		s.mapping.processor = p.flow(processor)
		p.express = around
		processor.finish()
	}
}

// distributed reads the fields that only a distributed Map has.
func (p *parser) distributed(s *state, o *object) {
	m := s.mapping
	m.toleratedCount = p.seconds(o, "ToleratedFailureCount", s.jsonata, 0)
	m.toleratedPercentage = p.percentage(o, "ToleratedFailurePercentage", s.jsonata)
	m.reader, m.writer = o.has("ItemReader"), o.has("ResultWriter")
	label, _ := o.string("Label")
	if m.run != nil {
		m.run.label = p.label(s, o, label)
		m.run.reader = p.itemReader(s, o)
		m.run.batcher = p.itemBatcher(s, o)
		m.run.writer = p.resultWriter(s, o)
		return
	}
	for _, field := range []string{"ItemReader", "ItemBatcher", "ResultWriter"} {
		if n := o.ofKind(field, '{'); n != nil {
			p.warnf(n, pointer(o.at, field), "The field '%s' has no effect: only Map states whose ProcessorConfig has the Mode DISTRIBUTED use it", field)
		}
	}
}
