package table

// Pager makes the page of a query of the items that a platform reads, in the order of the keys that the query goes by and from its start on.
type Pager struct {
	query  *Query
	schema *Schema
	keys   Keys
	index  *Index
	page   Page
	size   int
	// What was read of the table and of the index, in bytes.
	tableBytes, indexBytes int
}

// Pager begins the page of a query that was checked.
func (s *Schema) Pager(q *Query) *Pager {
	p := &Pager{query: q, schema: s}
	p.keys, p.index = s.KeysOf(q)
	p.page.Local = p.index != nil && p.index.Local
	if q.Select != SelectCount {
		p.page.Items = []Item{}
	}
	return p
}

// Add takes the next item: what was found where the query goes, and the item, which is the same unless the query fetches it. It reports
// whether the page is full.
func (p *Pager) Add(found, item Item) (full bool) {
	if p.index != nil {
		p.indexBytes += found.Size()
	} else {
		p.tableBytes += found.Size()
	}
	if p.query.Fetches(p.index) {
		p.tableBytes += item.Size()
	}
	p.page.Scanned++
	p.size += item.PageSize(p.schema.Keys.Sort.Name)
	if p.query.Filter.Match(item) {
		p.page.Count++
		if p.page.Items != nil {
			p.page.Items = append(p.page.Items, p.query.Projection.Apply(item))
		}
	}
	if (p.query.Limit == 0 || p.page.Scanned < p.query.Limit) && p.size < MaxPageBytes {
		return false
	}
	p.page.Last = Item{}
	for _, name := range p.schema.StartNames(p.keys) {
		p.page.Last[name] = found[name]
	}
	return true
}

// Page is what was gathered.
func (p *Pager) Page() Page {
	if p.index == nil || p.query.Fetches(p.index) {
		p.page.Table = ReadUnits(p.tableBytes, p.query.Consistent)
	}
	if p.index != nil {
		p.page.IndexOf = ReadUnits(p.indexBytes, p.query.Consistent)
	}
	return p.page
}
